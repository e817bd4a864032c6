"""The stack of docker-compose.yml, run for real: drop to gold, one engine, an engine that dies, rights in the store."""

import time
from collections import Counter
from typing import Any

import polars as pl
import pytest
from botocore.exceptions import ClientError

from jobs.simulate.options import Answer
from tests.compose.stack import Stack, built, delivery, loaded, until

pytestmark = pytest.mark.compose


def test_a_delivery_put_into_the_store_rings_by_kafka_and_ends_in_gold(stack: Stack, answer: Answer) -> None:
    sent = delivery(answer, "gr")
    dropped = stack.drop(sent, answer.landing)
    until(lambda: loaded(stack, sent), 400, f"{sent.name} is loaded")
    silver = time.monotonic() - dropped
    until(lambda: built(stack, 0), 400, "gold is built")
    print(f"\n{sent.name}: manifest to silver {silver:.0f} s, to gold {time.monotonic() - dropped:.0f} s")
    rung = [run for run in stack.runs("landing_intake") if run["run_type"] == "asset_triggered"]
    assert [run["state"] for run in rung] == ["success"]
    assert gold(stack, "patient_summary", "curated").height > 0
    with pytest.raises(OSError, match="lacked the necessary privileges"):
        gold(stack, "patient_summary", "teaching")


def gold(stack: Stack, table: str, user: str) -> pl.DataFrame:
    """A product of gold as somebody with this user's key reads it."""
    known = {
        "AWS_ENDPOINT_URL": stack.door,
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": user,
        "AWS_SECRET_ACCESS_KEY": stack.secret(f"store_{user}"),
    }
    return pl.read_delta(f"s3://clinical/lake/gold/{table}", storage_options=known)


def test_a_second_clinical_engine_refuses_to_start(stack: Stack) -> None:
    second = stack.compose("run", "--rm", "--no-deps", "-T", "clinical-engine", check=False)
    assert second.returncode != 0
    assert (
        "Expected to be the only clinical engine of s3a://clinical/lake, found another one at work"
        in second.stdout + second.stderr
    )
    assert stack.health("clinical-engine") == "healthy"


def test_the_engine_s_jvm_is_killed_in_mid_work_and_the_delivery_is_loaded_once(stack: Stack, answer: Answer) -> None:
    sent = delivery(answer, "curie")
    stack.drop(sent, answer.landing)
    until(lambda: task_state(stack, "conform") == "running", 300, "the delivery is being conformed")
    time.sleep(5)
    assert task_state(stack, "conform") == "running"
    stack.compose("exec", "-T", "clinical-engine", "pkill", "-KILL", "java")
    killed = time.monotonic()
    time.sleep(3)
    until(lambda: stack.health("clinical-engine") == "healthy", 180, "the engine is back")
    back = time.monotonic() - killed
    until(lambda: loaded(stack, sent), 400, f"{sent.name} is loaded")
    print(f"\nengine back {back:.0f} s after SIGKILL of its JVM, the delivery loaded after {time.monotonic() - killed:.0f} s")
    until(lambda: built(stack, 1), 400, "gold is built")


def test_what_lies_in_silver_after_all_of_this_is_what_the_hospitals_sent(stack: Stack, answer: Answer) -> None:
    sent = delivery(answer, "aphp")
    stack.drop(sent, answer.landing)
    until(lambda: loaded(stack, sent), 400, f"{sent.name} is loaded")
    tables = stack.status()["tables"]
    wanted = sum((Counter(rows) for rows in answer.silver_rows.values()), Counter[str]())
    assert {name: tables[f"silver/{name}"]["current"] for name in wanted} == wanted


def task_state(stack: Stack, task: str) -> str | None:
    """The state of a task of the newest delivery's run."""
    run = stack.runs("delivery_ingest")[0]["dag_run_id"]
    return dict(stack.airflow(f"dags/delivery_ingest/dagRuns/{run}/taskInstances/{task}"))["state"]


def test_an_engine_that_dies_with_its_container_comes_back_when_its_lease_ends(stack: Stack) -> None:
    stack.compose("exec", "-T", "clinical-engine", "pkill", "-KILL", "-f", "jobs.site.engine", check=False)
    killed = time.monotonic()
    time.sleep(3)
    until(lambda: stack.health("clinical-engine") == "healthy", 180, "the engine is back")
    print(f"\nengine back {time.monotonic() - killed:.0f} s after SIGKILL of its container")


def test_analysts_ask_their_engine_for_gold_and_it_can_reach_nothing_else(stack: Stack) -> None:
    stack.compose("--profile", "analysts", "up", "--detach", "--wait", "curated-engine")
    asked = stack.curated(stack.secret("curated_token"))
    patients = "delta.`s3a://clinical/lake/gold/patient_summary`"
    assert asked.sql(f"select count(*) from {patients}").collect()[0][0] > 0
    for refused in (
        "select count(*) from delta.`s3a://clinical/lake/silver/person`",
        f"delete from {patients}",
        f"insert into {patients} select * from {patients}",
    ):
        with pytest.raises(Exception, match=r"AccessDenied|Access Denied|403"):
            asked.sql(refused).collect()
    asked.stop()
    with pytest.raises(Exception, match="UNAUTHENTICATED"):
        stack.curated("not the token").sql("select 1").collect()


# Who may do what where. root may do everything, so that no act is refused for another reason than its key.
PLACES = {
    "landing": "landing/gr/2024/01/probe",
    "silver": "clinical/lake/silver/probe",
    "restricted": "clinical/lake/restricted/probe",
    "gold": "clinical/lake/gold/probe/file",
    "teaching": "teaching/probe",
}
VERBS = ("put", "list", "get", "delete")
EVERYTHING = {place: set(VERBS) for place in PLACES}
RIGHTS: dict[str, dict[str, set[str]]] = {
    "root": EVERYTHING,
    "hospital": {"landing": {"put"}},
    "clinical": EVERYTHING | {"landing": {"list", "get"}},
    "curated": {"gold": {"list", "get"}},
    "teaching": {"teaching": {"list", "get"}},
    "stranger": {},
}


def test_each_key_can_do_in_the_store_what_it_is_for_and_nothing_else(stack: Stack) -> None:
    found = {user: {place: set(map(str, tried(stack, user, place))) for place in PLACES} for user in RIGHTS}
    print(matrix(found))
    assert found == {user: {place: RIGHTS[user].get(place, set()) for place in PLACES} for user in RIGHTS}


def tried(stack: Stack, user: str, place: str) -> list[str]:
    """What a user's key can do at a place, where an object lies each time."""
    owner, client = stack.store("root"), client_of(stack, user)
    bucket, _, key = PLACES[place].partition("/")
    able = []
    for verb in VERBS:
        owner.put_object(Bucket=bucket, Key=key, Body=b"there")
        if is_allowed(client, verb, bucket, key):
            able.append(verb)
    owner.delete_object(Bucket=bucket, Key=key)
    return able


def client_of(stack: Stack, user: str) -> Any:
    """Somebody with a wrong key is a stranger."""
    return stack.store("clinical", "not the key") if user == "stranger" else stack.store(user)


def is_allowed(client: Any, verb: str, bucket: str, key: str) -> bool:
    """True where the store does it; False where it refuses the key. Any other answer is an error."""
    acts = {
        "put": lambda: client.put_object(Bucket=bucket, Key=key, Body=b"written"),
        "list": lambda: client.list_objects_v2(Bucket=bucket, Prefix=f"{key.rpartition('/')[0]}/" if "/" in key else ""),
        "get": lambda: client.get_object(Bucket=bucket, Key=key),
        "delete": lambda: client.delete_object(Bucket=bucket, Key=key),
    }
    try:
        acts[verb]()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "SignatureDoesNotMatch"):
            raise
        return False
    return True


def matrix(found: dict[str, dict[str, set[str]]]) -> str:
    """The rights that were found, a line a user."""
    lines = [
        f"{user:10}" + "".join(f"{' '.join(verb for verb in VERBS if verb in able) or '-':24}" for able in places.values())
        for user, places in found.items()
    ]
    return "\n".join(["", f"{'':10}" + "".join(f"{place:24}" for place in PLACES), *lines])
