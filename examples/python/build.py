"""Builds a cluster from Python, with Temporal's own client and plain JSON.

    python build.py cluster.json
"""

import asyncio
import json
import os
import sys

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError


async def main(file: str) -> int:
    with open(file, encoding="utf-8") as text:
        spec = json.load(text)
    client = await Client.connect(os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233"))
    build = await client.start_workflow(
        "buildCluster",
        spec,
        id=f"cluster:{spec['name']}",
        task_queue="control",
    )
    await watch(build)
    try:
        print(json.dumps(await build.result()))
    except WorkflowFailureError as error:
        print(error.cause, file=sys.stderr)
        return 1
    return 0


async def watch(build) -> None:
    """Prints phase and what is parked; `await build.execute_update("resume", {})` goes on with it."""
    told = None
    while (await build.describe()).status == WorkflowExecutionStatus.RUNNING:
        progress = await build.query("progress")
        parked = [step["parked"]["help"] for step in progress["steps"] if "parked" in step]
        if (progress["message"], parked) != told:
            told = (progress["message"], parked)
            print(f"{progress['phase']}: {progress['message']}", *parked, sep="\n  parked; ")
        await asyncio.sleep(1)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
