"""Whether a service of a cluster does its work."""

from tests.system.guarantees.clients import NoAnswer, open_client


async def is_ready(port: int) -> bool:
    """True if the service on this port says that it does its work."""
    async with open_client([port], "") as client:
        try:
            return (await client.get(0, "/readyz")).status == 200
        except NoAnswer:
            return False


async def works_or_stands_by(port: int) -> bool:
    """True if the projection on this port does its work, or would at once if another copy ended."""
    async with open_client([port], "") as client:
        try:
            answer = await client.get(0, "/readyz")
        except NoAnswer:
            return False
        return answer.status == 200 or "stand-by" in answer.json["faults"].get("projection", "")
