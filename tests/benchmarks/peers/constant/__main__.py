"""The limit of aiohttp itself: every request is answered by the same bytes, those of an assistant."""

import asyncio
import json
import os
import signal

import uvloop
from aiohttp import web
from tests.benchmarks.peers.templates import TEMPLATES

ASSISTANT = {"id": "asst_" + "0" * 26, "account_id": "acct_" + "0" * 26, "name": "Sales Agent"}
ANSWER = json.dumps({"success": True, "assistant": {**ASSISTANT, **TEMPLATES["outbound-setter"]}}).encode()


async def answer(_request: web.BaseRequest) -> web.StreamResponse:
    """Answer."""
    return web.Response(body=ANSWER, content_type="application/json")


async def serve() -> None:
    """Serve until SIGTERM, without a router and without middlewares: nothing that aiohttp does not need."""
    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["PORT"])).start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(serve())
