"""Goes on with an operation that waits for a person: says what is parked and why, tries it again
(or leaves it out), and waits for the end.

    pip install -r requirements.txt
    python resume.py NAME [--skip]      --skip leaves out what is parked, where that is safe

TEMPORAL_ADDRESS says where Temporal is; 127.0.0.1:7233 by default.
"""

import asyncio
import os
import sys

from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode


def place(step: dict) -> str:
    return f'{step["step"]} {step.get("site", "all sites")}'


async def main(name: str, *options: str) -> int:
    client = await Client.connect(os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233"))
    # The latest run under the cluster's id: the one that runs, if one does.
    operation = client.get_workflow_handle(f"cluster:{name}")
    try:
        for step in (await operation.query("progress"))["steps"]:
            if parked := step.get("parked"):
                print(f'{place(step)} is parked: {parked["cause"]}; {parked["help"]}')
        # Also "site" and "step", which mean only that, and "spec", which goes on with a corrected one.
        action = {"action": "skip" if "--skip" in options else "retry"}
        answer = await operation.execute_update("resume", action)
        for step in answer["resumed"]:
            print(f"{place(step)} goes on")
        result = await operation.result()
        print(f'cluster {result["cluster"]} is {result["phase"]}')
    except (WorkflowFailureError, WorkflowUpdateFailedError) as error:
        print(error.cause, file=sys.stderr)
        return 1
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        print(f"nothing runs on cluster {name}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python resume.py NAME [--skip]")
    code = asyncio.run(main(*sys.argv[1:]))
    # The client's threads may still run while Python takes itself down, and then crash it.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
