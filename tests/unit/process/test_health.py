"""Liveness and readiness say what is wrong, and a stopping process is not ready."""

import aiohttp

from patchbay.process import Health
from patchbay.process.health_server import serve_health


async def ask(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


async def test_a_process_without_faults_is_alive_and_ready() -> None:
    async with serve_health("127.0.0.1", 0, Health()) as port:
        assert await ask(port, "/livez") == (200, '{"alive": true, "faults": {}}')
        assert await ask(port, "/readyz") == (200, '{"ready": true, "faults": {}}')


async def test_a_fault_of_readiness_leaves_the_process_alive() -> None:
    health = Health()
    health.add_readiness("log", lambda: "the broker does not answer")

    async with serve_health("127.0.0.1", 0, health) as port:
        assert await ask(port, "/readyz") == (503, '{"ready": false, "faults": {"log": "the broker does not answer"}}')
        assert (await ask(port, "/livez"))[0] == 200


async def test_a_fault_of_liveness_is_told_at_livez() -> None:
    health = Health()
    health.add_liveness("progress", lambda: "no batch for 60 s")

    async with serve_health("127.0.0.1", 0, health) as port:
        assert await ask(port, "/livez") == (503, '{"alive": false, "faults": {"progress": "no batch for 60 s"}}')


async def test_a_stopping_process_is_not_ready() -> None:
    health = Health()
    health.stopping = True

    assert health.faults() == {"process": "the process is stopping"}


async def test_metrics_are_prometheus_text() -> None:
    async with serve_health("127.0.0.1", 0, Health()) as port:
        status, text = await ask(port, "/metrics")

    assert status == 200
    assert "# TYPE patchbay_requests_total counter" in text
