"""Runs a page's Python blocks one after the other in one namespace; a request and an answer is one line of JSON."""

import contextlib
import io
import json
import sys
import traceback
from typing import Any


def main() -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for line in sys.stdin:
        request = json.loads(line)
        output, error = io.StringIO(), ""
        with contextlib.redirect_stdout(output):
            try:
                code = compile("\n" * (request["line"] - 1) + request["source"], request["page"], "exec")
                exec(code, namespace)
            except BaseException:
                error = traceback.format_exc()
        sys.stdout.write(json.dumps({"output": output.getvalue(), "error": error}) + "\n")
        sys.stdout.flush()


main()
