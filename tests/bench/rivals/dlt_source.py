"""What data engineers write: dlt's rest_api source, and its pipeline to files as JSON Lines."""

import json
import shutil
import sys
from pathlib import Path

import dlt
from dlt.sources.helpers.rest_client.paginators import OffsetPaginator
from dlt.sources.rest_api import rest_api_source

url, name, fields, output = sys.argv[1:]
names = fields.split(",")
folder = Path(output).absolute()
shutil.rmtree(folder, ignore_errors=True)


def resource(number, start, end):
    params = {"access_token": "t", "date_from": start, "date_till": end, "fields": names}
    paginator = OffsetPaginator(
        10_000,
        total_path="result.metadata.total_items",
        offset_body_path="params.offset",
        limit_body_path="params.limit",
    )
    call = {"jsonrpc": "2.0", "id": 1, "method": "get.communications", "params": params}
    endpoint = {
        "path": "",
        "method": "POST",
        "json": call,
        "data_selector": "result.data",
        "paginator": paginator,
    }
    return {"name": f"window_{number}", "table_name": "communications", "endpoint": endpoint}


windows = json.loads(name)
resources = [resource(number, *window) for number, window in enumerate(windows)]
source = rest_api_source({"client": {"base_url": url}, "resources": resources})
pipeline = dlt.pipeline(
    "bench",
    pipelines_dir=str(folder / "work"),
    destination=dlt.destinations.filesystem(str(folder / "files")),
    dataset_name="rows",
)
pipeline.run(source, loader_file_format="jsonl")
