"""docs/authors.md: its commands work as they are written, and its recipes are tools that do what they say."""

import os
import re
import shutil
import subprocess

import pytest

from bridge import HOST, REPOSITORY, start_host
from test_templates import DEMANDED, LANGUAGES, environment
from test_wrappers import call

TEXT = (REPOSITORY / "docs/authors.md").read_text()
FIVE_MINUTES, RECIPES = TEXT.split("## Five minutes")[1].split("## Recipes")


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(command, folder):
    done = subprocess.run(
        ["bash", "-ec", command], cwd=folder, env=environment(), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


def test_the_five_minutes(tmp_path):
    begin, serve, use = blocks(FIVE_MINUTES, "sh")
    # A newcomer's new folder is one that nobody else can write.
    printed = run(begin, tmp_path)
    assert "2.0\n" in printed and "x = 2.0  (float, version 2" in printed and "# my-tools 0.1.0" in printed
    assert serve == "bridge-host serve --plugins build\n"
    with start_host(plugins=tmp_path / "my-tools/build") as host:
        commands = use.replace(" set ", f" set --address 127.0.0.1:{host.port} ").replace(
            " execute ", f" execute --address 127.0.0.1:{host.port} ")
        assert run(commands, tmp_path).endswith("3.5\n")


def test_the_table_says_what_the_languages_make():
    for language, (_, commands, product) in LANGUAGES.items():
        row = next(line for line in FIVE_MINUTES.splitlines() if line.startswith(f"| `{language}` |"))
        builds, makes = [cell.strip(" `") for cell in row.split("|")[3:5]]
        assert builds.split(" && ")[0] == commands[0].removesuffix(" --offline")
        assert makes == product.replace("deep-sea", "my-tools").replace("deep_sea", "my_tools").replace(
            "DeepSea", "MyTools")


# What stands around the recipes of a language: the rest of a plugin.
CPP = """
#include <bridge_plugin.hpp>
#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
%s
static bridge::Plugin plugin() {
  bridge::Plugin plugin("recipes", "1");
  plugin.add(bridge::Tool("squares", "", squares).required<std::int64_t>("count", "").streams());
  plugin.add(bridge::Tool("wait_until", "", wait_until).required<std::string>("variable", ""));
  plugin.add(bridge::Tool("long_work", "", long_work).required<std::int64_t>("steps", ""));
  plugin.add(bridge::Tool("largest", "", largest).required<bridge::Tensor>("tensor", ""));
  plugin.add(bridge::Tool("count_calls", "", count_calls));
  plugin.add(bridge::Tool("call_other", "", call_other));
  plugin.add(bridge::Tool("use_threads", "", use_threads));
  return plugin;
}
BRIDGE_PLUGIN(plugin)
"""
RUST = """
use bridge_plugin::*;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
%s
fn plugin() -> Plugin {
    Plugin::new("recipes", "1")
        .tool(Tool::read_only("squares", "", squares).streams()
            .parameter(Parameter::required::<i64>("count", "")))
        .tool(Tool::read_only("wait_until", "", wait_until)
            .parameter(Parameter::required::<str>("variable", "")))
        .tool(Tool::read_only("long_work", "", long_work)
            .parameter(Parameter::required::<i64>("steps", "")))
        .tool(Tool::read_only("largest", "", largest)
            .parameter(Parameter::required::<Tensor>("tensor", "")))
        .tool(Tool::read_only("count_calls", "", count_calls))
        .tool(Tool::new("call_other", "", call_other))
        .tool(Tool::new("use_threads", "", use_threads))
}
bridge_plugin::export!(plugin());
"""
SWIFT = """
public import BridgePlugin
internal import Synchronization
%s
@c(bridge_plugin_entry)
public func enter(_ host: PluginHost.Pointer, _ plugin: PluginHost.Answer) -> PluginHost.Status {
  Plugin(
    name: "recipes", version: "1",
    tools: [
      Squares(), WaitUntil(), LongWork(), Largest(), CountCalls(), CallOther(), UseThreads(),
    ]
  ).enter(host, plugin)
}
"""
PARTS = {
    "cpp": (CPP, "src/deep_sea.cpp"), "rust": (RUST, "src/lib.rs"),
    "swift": (SWIFT, "Sources/DeepSea/DeepSea.swift"),
}


@pytest.mark.parametrize("language", PARTS)
def test_the_recipes(language, tmp_path):
    around, source = PARTS[language]
    program, commands, product = LANGUAGES[language]
    if shutil.which(program) is None:
        assert language not in DEMANDED, f"there is no {program} to build a plugin in {language}"
        pytest.skip(f"there is no {program} on this machine")
    run(f"bridge-host new-plugin deep-sea --lang {language}", tmp_path)
    folder = tmp_path / "deep-sea"
    recipes = blocks(RECIPES, language)
    assert len(recipes) == 7
    (folder / source).write_text(around % "\n".join(recipes))
    run(" && ".join(commands[:-1]), folder)
    library = folder / product
    squares = call(library, "squares", "count=4")
    assert squares["chunks"] == [0, 1, 4, 9] and squares["result"] == 4
    assert call(library, "wait_until", "variable=x", "--var", "x:float=1.5")["result"] == 1.5
    late = call(library, "wait_until", "variable=x", "--var", "x:float=0.5", "--deadline", "50ms")
    assert late["error"]["status"] == "DEADLINE_EXCEEDED"
    assert call(library, "long_work", "steps=5")["result"] == 10
    cancelled = call(library, "long_work", "steps=1000000000", "--cancel-after", "20ms")
    assert cancelled["error"]["status"] == "CANCELLED"
    assert call(library, "largest", 'tensor={"shape": [2, 2], "data": [1, 4, 2, 3]}')["result"] == 4
    assert call(library, "count_calls")["result"] == 1
    assert call(library, "call_other")["result"] == 12
    assert call(library, "use_threads", "--var", "x:float=1")["result"] == 5


def test_a_page_about_a_plugin(tmp_path):
    library = REPOSITORY / os.environ.get("BRIDGE_PLUGINS", ".build/plugins") / "libExampleTools.so"
    printed = subprocess.run([HOST, "doc", library], capture_output=True, text=True, timeout=60)
    assert printed.returncode == 0 and printed.stderr == ""
    assert printed.stdout.startswith("# example 1.0\n\nSmall tools that show how to write tools in Swift")
    for tool in ("echo", "countdown", "average_updates"):
        assert f"\n## `{tool}`\n" in printed.stdout
    page = tmp_path / "page.html"
    written = subprocess.run(
        [HOST, "doc", library, "--format", "html", "--output", page], capture_output=True, text=True, timeout=60)
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    assert "<h2><code>countdown</code></h2>" in page.read_text()


def test_a_page_is_refused_where_there_is_no_plugin(tmp_path):
    for name, reason in (("no.so", "No such file"), ("read.me", "a plugin's name ends with")):
        if name == "read.me":
            (tmp_path / name).write_text("")
        refused = subprocess.run([HOST, "doc", tmp_path / name], capture_output=True, text=True, timeout=60)
        assert refused.returncode == 1 and reason in refused.stderr
    (tmp_path / "text.so").write_text("text")
    refused = subprocess.run([HOST, "doc", tmp_path / "text.so"], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1 and "text.so" in refused.stderr
