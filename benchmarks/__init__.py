"""Speed and quality beside other libraries: ``python -m benchmarks`` runs all and writes ``build/bench.md``."""
