"""Public clients of the Data API, unchanged but for their URL, get right answers from the sandbox.

Each client has an environment of its own; `SDK_PYTHON` and `WRAPPER_PYTHON` name its interpreter:

    python3 -m venv /tmp/sdk && /tmp/sdk/bin/pip install comagic-data-api-sdk
    SDK_PYTHON=/tmp/sdk/bin/python python -m pytest tests/process/test_foreign_clients.py
"""

from __future__ import annotations

import json
import os
import subprocess
from itertools import chain

import pytest
from sandbox_client import IDS, sandbox

PERIOD = {"date_from": "2026-10-01 00:00:00", "date_till": "2026-10-05 23:59:59"}
PAGE_SIZE = 100
USER = 7002
GIVEN = {
    "calls": {
        "report_id": IDS["calls"],
        "fields": ["communication_id", "call_start_date_time"],
        **PERIOD,
    },
    "communications": {
        "report_id": IDS["communications"],
        "fields": [
            "communication_id",
            "communication_date_time",
            "communication_type",
            "total_duration",
        ],
        **PERIOD,
    },
}
USERS = [
    {
        "id": 7003,
        "name": 'Балконы "Восток", филиал',
        "description": "Владивосток; тест",
        "login": "client-three",
        "customer_id": 303,
    },
    {
        "id": 7002,
        "name": "ООО «Уральские двери»",
        "description": None,
        "login": "client-two",
        "customer_id": 302,
    },
]
ERROR = {
    "code": -32602,
    "message": "Unexpected method parameter(s)",
    "data": {
        "mnemonic": "unexpected_parameters",
        "field": "fields",
        "value": "colour",
        "params": {},
        "extended_helper": "",
    },
}

# The client named `comagic-data-api-sdk`. It has no method for the reports that need a report_id.
SDK = """
from comagic import Comagic
from comagic.errors import ComagicException

class Client(Comagic):
    API_URL = property(lambda self: url, lambda self, value: None)

client = Client(login="sandbox", password="sandbox")

def account():
    return vars(client.get_account(user_id=user))

def list_users(**params):
    return [vars(found) for found in client.get_customer_users(**params)]

def ask(endpoint, **params):
    asked = client._create_endpoint_params("get", endpoint, user_id=user, **params)
    return client._send_api_request(asked)
"""

# The client named `comagic-wrapper`. Its list of methods and its arguments lack what is new.
WRAPPER = """
from comagic import Comagic, comagic
from comagic.exceptions import ComagicException

plain = comagic._Session
comagic._Session = lambda login, password, token, _: plain(login, password, token, url)
client = Comagic(login="sandbox", password="sandbox")

def account():
    return client.account.get(user_id=user)[0]

def list_users(**params):
    return client._session._get_endpoint("get", "customer_users", **params)

def ask(endpoint, **params):
    return client._session._get_endpoint("get", endpoint, user_id=user, **params)
"""

SESSION = """
import json, sys
url, user, given = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
{client}
def read_pages(endpoint, **params):
    pages = []
    while True:
        offset = sum(map(len, pages))
        page = ask(endpoint, limit=100, offset=offset, **given[endpoint], **params)
        pages.append(page)
        if len(page) < 100:
            return pages

def read_error():
    try:
        ask("calls", **given["calls"] | {{"fields": ["colour"]}})
    except ComagicException as error:
        return error.error_data

communications = {{
    "filter": {{
        "condition": "and",
        "filters": [
            {{"field": "communication_type", "operator": "=", "value": "Звонки"}},
            {{"field": "total_duration", "operator": ">", "value": 60}},
        ],
    }},
    "sort": [{{"field": "communication_date_time", "order": "desc"}}],
}}
print(json.dumps({{
    "account": account(),
    "users": list_users(
        fields=["id", "name", "description", "login", "customer_id"],
        filter={{"field": "login", "operator": "!=", "value": "client-one"}},
        sort=[{{"field": "login", "order": "asc"}}],
        limit=10,
    ),
    "reports": ask("reports_list", fields=["id", "type"], limit=2, offset=1),
    "communications": read_pages("communications", **communications),
    "calls": read_pages("calls"),
    "error": read_error(),
}}))
"""


def find_python(variable):
    """Return the interpreter of a client's environment; only CI must have it."""
    python = os.environ.get(variable)
    if python is None:
        message = f"{variable} does not name an interpreter with the client"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    return python


def run_session(python, client, url, session=SESSION, given=GIVEN):
    """Run all that is asked with one client, and return its answers by name."""
    done = subprocess.run(
        [python, "-c", session.format(client=client), url, str(USER), json.dumps(given)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1", "NO_PROXY": "127.0.0.1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # one of them prints what it sends


def by_id(rows):
    return sorted(rows, key=lambda row: row["communication_id"])


@pytest.mark.parametrize(
    ("variable", "client"),
    [("SDK_PYTHON", SDK), ("WRAPPER_PYTHON", WRAPPER)],
    ids=["sdk", "wrapper"],
)
def test_a_public_client_gets_right_answers(variable, client):
    python = find_python(variable)
    with sandbox(agent=True, rows=900, span=tuple(PERIOD.values())) as box:
        answers = run_session(python, client, box.url)
        calls, communications = (
            box.truth(name, *PERIOD.values(), user_id=USER, fields=GIVEN[name]["fields"])
            for name in ("calls", "communications")
        )
    pages = {name: answers.pop(name) for name in ("calls", "communications")}
    assert answers == {
        "account": {
            "app_id": USER,
            "name": "ООО «Уральские двери»",
            "timezone": "Asia/Yekaterinburg",
        },
        "users": USERS,
        "reports": [{"id": 1002, "type": "calls"}, {"id": 1003, "type": "chats"}],
        "error": ERROR,
    }
    assert len(calls) > PAGE_SIZE
    assert by_id(chain(*pages["calls"])) == by_id(calls)
    long_calls = [
        row
        for row in communications
        if row["communication_type"]["value"] == "Звонки" and (row["total_duration"] or 0) > 60
    ]
    assert len(long_calls) > PAGE_SIZE
    assert by_id(chain(*pages["communications"])) == by_id(long_calls)
    times = [row["communication_date_time"] for row in chain(*pages["communications"])]
    assert times == sorted(times, reverse=True)


# Their main calls, by their own methods: what nearly every script out there does.
SDK_MAIN = """
from datetime import datetime

def main(start, end):
    calls = client.get_calls_report(
        datetime.fromisoformat(start), datetime.fromisoformat(end), user_id=user,
        fields=["id", "start_time", "talk_duration"],
    )
    lists = {"employees": client.get_employees, "sites": client.get_sites, "tags": client.get_tags}
    return [vars(call) for call in calls], {
        name: [vars(item)["id"] for item in get(user_id=user, fields=["id"])]
        for name, get in lists.items()
    }
"""
WRAPPER_MAIN = """
def main(start, end):
    calls = client.calls_report.get(
        user_id=user, date_from=start, date_till=end, fields=["id", "start_time", "talk_duration"]
    )
    lists = {name: getattr(client, name) for name in ("employees", "sites", "tags")}
    return calls, {
        name: [item["id"] for item in entry.get(user_id=user, fields=["id"])]
        for name, entry in lists.items()
    }
"""
MAIN = """
import json, sys
url, user, given = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
{client}
calls, lists = main(given["date_from"], given["date_till"])
print(json.dumps({{"calls": calls, "lists": lists}}, default=str))
"""


@pytest.mark.parametrize(
    ("variable", "client"),
    [("SDK_PYTHON", SDK + SDK_MAIN), ("WRAPPER_PYTHON", WRAPPER + WRAPPER_MAIN)],
    ids=["sdk", "wrapper"],
)
def test_the_main_calls_of_public_clients_work(variable, client):
    python = find_python(variable)
    with sandbox(agent=True, rows=300, span=tuple(PERIOD.values())) as box:
        answers = run_session(python, client, box.url, MAIN, PERIOD)
        truth = box.truth("calls-report", *PERIOD.values(), user_id=USER, fields=["id"])
        ids = {
            name: [row["id"] for row in box.every_row(f"get.{name}", user_id=USER)]
            for name in ("employees", "sites", "tags")
        }
    assert len(truth) > 50
    assert sorted(call["id"] for call in answers["calls"]) == sorted(row["id"] for row in truth)
    assert answers["lists"] == ids
