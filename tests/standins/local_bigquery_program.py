"""local-bigquery on free ports, as a program of the local-bigquery venv; prints its address.

python local_bigquery_program.py FOLDER
"""

import sys
import threading
from pathlib import Path

import duckdb_extensions
import uvicorn
from local_bigquery import app
from local_bigquery.grpc import server as storage_api
from local_bigquery.settings import settings

EXTENSIONS = ("icu", "ducklake", "sqlite_scanner", "httpfs", "avro", "spatial")


def main(folder: Path) -> None:
    for extension in EXTENSIONS:
        duckdb_extensions.import_extension(extension)
    settings.data_dir = folder
    storage_api.start("127.0.0.1", 0)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        threading.Event().wait(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    sys.stdin.read()  # until the parent ends


if __name__ == "__main__":
    main(Path(sys.argv[1]))
