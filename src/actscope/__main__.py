"""`python -m actscope` is `actscope`."""

from actscope.cli import main

main()
