"""teaching_release: an anonymous release for a class, from gold and silver to the approval of a person. Started by hand.

Triage
- `make` failed with GateFailed: a bound was not kept. The log names every one, by how much, and what to loosen; nothing was published.
  Start a run with another size, k or l.
- `courses` failed: a lesson no longer reaches all its points and its course blocks a release then. The release is made and nobody sees it;
  correct the course and clear the task, or revoke the release.
- `approval` waits for a person, who reads `teaching/<release>/card.md` below the lake (the name is what `make` returned) and says yes or
  no on the page of the task. Rejected: the release stays made, nobody sees it; `pscc release revoke` takes it away.
- `publish` failed with GateFailed: since the release was made a patient opposed, or a live release of nearly the same patients could be
  subtracted from it. Revoke the one that the log names and clear the task, or start again.
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, TriggerRule, task

from dags.policy import house_dag
from quality.contracts import contracts

SIZES = ("small", "medium", "large")
told = ", ".join(contracts("teaching"))


@house_dag(
    schedule=None,
    max_active_runs=1,
    doc_md=__doc__,
    params={
        "size": Param("small", enum=list(SIZES), description="1,000, 5,000 or 20,000 patients."),
        "k": Param(
            11,
            type="integer",
            minimum=2,
            description="Patients in a class, and who share any two facts; below 11 who approves is told so.",
        ),
        "l": Param(
            3, type="integer", minimum=1, maximum=4, description="Different outcomes in a class; below 3 who approves is told so."
        ),
    },
    tags=["teaching"],
)
def teaching_release() -> None:
    @task
    def make(**context) -> str:  # type: ignore[no-untyped-def]
        """Anonymise, attack, and hold to every bound; the name of the release."""
        from jobs import tasks

        asked = context["params"]
        return tasks.make_release(asked["size"], asked["k"], asked["l"])

    approval = ApprovalOperator(
        task_id="approval",
        subject="Release for teaching: {{ ti.xcom_pull(task_ids='make') }}",
        # No more than gate.json proves: who knows more of a patient than k and two facts cover is not stopped by it.
        body=(
            f"{{{{ ti.xcom_pull(task_ids='courses') }}}} Tables {told}. Read card.md and gate.json of the release first. What is proven: nobody is told "
            "apart by their class, nor by two other facts together, and the attacks of gate.json fail within their bounds. What is not: who knows "
            "somebody's class and, as the release tells it, the end of their follow-up or the day of an event as well may find their row; the shares "
            "stand above and in gate.json. To approve is to say that you have weighed this, and that enrolled trainees, under the rules of the "
            "card, may see it."
        ),
        response_timeout=timedelta(days=14),
        fail_on_reject=True,
    )

    @task
    def publish(**context) -> str:  # type: ignore[no-untyped-def]
        """Approve it in the name of who answered."""
        from jobs import tasks

        answer = context["ti"].xcom_pull(task_ids="approval")
        # Who has no name approves nothing: an approval by nobody is refused.
        by = (answer["responded_by_user"] or {}).get("name") or ""
        return tasks.approve_release(context["ti"].xcom_pull(task_ids="make"), by)

    @task
    def courses(**context) -> str:  # type: ignore[no-untyped-def]
        """Run the solutions of every lesson that names one of its tables; how many still reach all their points, and which do not."""
        from jobs import tasks

        return tasks.examine_courses(context["ti"].xcom_pull(task_ids="make"))

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def verdict(**context) -> str:  # type: ignore[no-untyped-def]
        """Green only when the release is approved."""
        from jobs import tasks

        return tasks.released(context["ti"].xcom_pull(task_ids="make") or "")

    make() >> courses() >> approval >> publish() >> verdict()


teaching_release()
