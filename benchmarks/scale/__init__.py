"""Beyond one machine, by model and simulation: ``python -m benchmarks.run --only scale``.

What was measured on one machine (`inputs`), what machines cost (`prices`) and what nobody here
could measure (`assumed`) go into a model of bytes (`space`), machines and money (`plan`), latency
(`tail`, `queueing`, `latency`) and the building of the graph (`edges`). The model is held against
measurements (`checks`): some that `benchmarks.results` has already, and some that the command
takes itself (`cells`, `shards`, `small`). `document` puts what `tables`, `sources`
and `charts` make of it into docs/scale.md.
"""
