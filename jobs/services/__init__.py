"""One machine's services: PostgreSQL, Airflow and the clinical engine under a supervisor. docs/services.md says how they are operated."""
