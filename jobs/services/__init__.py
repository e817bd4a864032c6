"""One machine's services: PostgreSQL, Airflow and the clinical engine under a supervisor."""
