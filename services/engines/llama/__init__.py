"""llama.cpp in this process: the engine of clinics and devices.

`Weights` are loaded once. Over them stand one or more contexts (`Lane`), each with its own keys and
values and one request at a time; how many is asked for and limited by a memory budget (`memory`).
Adapters are loaded once beside the weights (`Shelf`) after their base, content and header were
checked, and put on a context when a request that names one comes to it; that takes about 3 ms and
reloads nothing. Between requests a context is emptied. Only a system part that the engine was told
to `share` stays, for the same adapter, and its keys and values may come from a file (`prefix`).

A prompt and its answer must fit the context: nothing is ever cut out of a prompt, for its system
part is the rules and its user's part the question and the sources. `ContextOverflowError` says
both lengths; whoever made the prompt can leave out a source and ask again.

    engine = LlamaEngine(embedded_model(), contexts=2, shared=[SYSTEM])
    await engine.hold(AdapterFile("asthma", path, digest, engine.card.digest, rank=8))
    async for piece in engine.generate(Prompt(SYSTEM, "…", adapter="asthma"), Budget()):
        print(piece, end="")
    await engine.let_go("asthma")
"""

from services.engines.digest import file_digest
from services.engines.llama.engine import LlamaEngine, LlamaHealth

__all__ = ["LlamaEngine", "LlamaHealth", "file_digest"]
