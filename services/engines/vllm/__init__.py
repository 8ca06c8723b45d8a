"""vLLM as an engine: started and kept running here, or reached where it runs already.

One base model serves many adapters. They are loaded, replaced and unloaded while requests run:

    engine = VllmEngine(VllmSettings())            # CARETIER_VLLM_* from the environment
    await engine.start()
    await engine.hold(AdapterFile("cardiology", folder, digest, base, rank=8))
    prompt = Prompt(system="…", user="…", adapter="cardiology")
    async for piece in engine.generate(prompt, Budget()):
        print(piece, end="")
    await engine.let_go("cardiology")
    await engine.close()

Why no request here goes to the base model by its own name. On a machine without a GPU, vLLM marks
a request without an adapter by slot -1, and its arithmetic takes that for the *last* slot: where
that holds an adapter, the base model answers with the adapter's words. A spare slot is no cure.
Unloading an adapter only forgets its name; it stays in its slot, and after a few replacements every
slot is full. So the base model is asked through an adapter that changes nothing (`shelf.GENERAL`):
no request carries slot -1, however the slots are filled. A server that has adapters and will not
take this one is refused.

What goes where: `settings` what can be set, `command` how the server is started, `supervise` that
it keeps running and ends with us, `inside` what guards its doors, `shelf` the files it reads,
`roster` who is held and who is in flight, `client` the server's own calls, `metrics` its figures,
`engine` all of it together.
"""

from services.engines.vllm.engine import VllmEngine
from services.engines.vllm.settings import VllmSettings

__all__ = ["VllmEngine", "VllmSettings"]
