"""Builds a cluster from Python, shows how it goes, and destroys it if asked to.

    pip install -r requirements.txt
    python build.py spec.json [--destroy]

TEMPORAL_ADDRESS says where Temporal is; 127.0.0.1:7233 by default.
"""

import asyncio
import json
import os
import sys

from temporalio.client import (
    Client,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
)


async def follow(handle: WorkflowHandle) -> dict:
    """Prints each step as it changes, and returns the result."""
    result = asyncio.create_task(handle.result())
    told: set[str] = set()
    while not result.done():
        try:
            progress = await handle.query("progress")
        except WorkflowQueryFailedError:
            # A spec that is not valid ends the run before it can be asked.
            return await result
        for step in progress["steps"]:
            parked = step.get("parked")
            state = parked["cause"] if parked else "done" if "finishedAt" in step else "runs"
            line = f'{step["step"]} {step.get("site", "all sites")}: {state}'
            if line not in told:
                print(line, flush=True)
            told.add(line)
            # What is parked waits for a person: resume.py goes on with it.
        await asyncio.wait([result], timeout=1)
    return await result


async def main(file: str, *options: str) -> int:
    with open(file, encoding="utf-8") as text:
        spec = json.load(text)
    client = await Client.connect(os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233"))
    # The id is the lock of the cluster: all that is done to it runs under `cluster:<name>`.
    where = {"id": f'cluster:{spec["name"]}', "task_queue": "control"}
    try:
        built = await follow(await client.start_workflow("buildCluster", spec, **where))
        print(f'cluster {built["cluster"]} is {built["phase"]}')
        if "--destroy" in options:
            gone = await client.execute_workflow("destroyCluster", {"name": spec["name"]}, **where)
            print(f'cluster {gone["cluster"]} is {gone["phase"]}')
    except WorkflowFailureError as error:
        print(f"{error.cause}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python build.py spec.json [--destroy]")
    code = asyncio.run(main(*sys.argv[1:]))
    # The client's threads may still run while Python takes itself down, and then crash it.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
