"""`VariableAwareMixin`, in both forms in which modules call it."""

import copy
import queue

import grpc
import pytest

import bridge_host
from bridge_host import VariableAwareMixin


class Base:
    """What stands for a module of another library."""

    def __init__(self, *arguments, **named):
        self.arguments = (arguments, named)


class Module(VariableAwareMixin, Base):
    pass


def test_with_a_session(session):
    session.register("x", "float", 1.0)
    module = Module(session, 1, two=2)
    assert module.arguments == ((1,), {"two": 2}) and module.get_variable("x") == 1.0
    module.set_variable("x", 2.0, {"source": "dspy_module"})
    assert session["x"] == 2.0 and session.get("x").metadata == {"source": "dspy_module"}
    module.set_variable("x", 3.0)
    assert session.get("x").source == "python"
    with pytest.raises(RuntimeError):
        module.get_variable("missing")
    with pytest.raises(RuntimeError):
        module.set_variable("missing", 1)
    for wrong in (lambda: Module("session"), Module, lambda: Module(two=2)):
        with pytest.raises(TypeError):
            wrong()
    for module in (Module(session=session, two=2), Module(session_context=session, two=2)):
        assert module.arguments == ((), {"two": 2}) and module.get_variable("x") == 3.0


def test_registering(session):
    id = Module(session).register_variable("x", "float", 1.0, {"max": 2}, {"unit": "K"})
    variable = session.get(id)
    assert (variable.name, variable.constraints, variable.metadata["unit"]) == ("x", {"max": 2}, "K")


def test_with_a_channel(host, session):
    class Alone(VariableAwareMixin):
        def __init__(self, channel, session_id):
            VariableAwareMixin.__init__(self, channel, session_id)

    session.register("x", "embedding", [1.0])
    with grpc.insecure_channel(host.address) as channel:
        with Alone(channel, session.id) as module:
            module.set_variable("x", [0.5, 0.25])
            assert list(module.get_variable("x")) == [0.5, 0.25]
        assert list(VariableAwareMixin(channel, session_id=session.id).get_variable("x")) == [0.5, 0.25]
        assert Module(channel, session.id, 1).arguments == ((1,), {})
        module = VariableAwareMixin(channel=channel, session_id=session.id)
        assert list(module.get_variable("x")) == [0.5, 0.25]
        assert Module(channel, 1, session_id=session.id).arguments == ((1,), {})
        with pytest.raises(TypeError):
            VariableAwareMixin(channel)


def test_watching(session):
    session.register("x", "float", 1.0)
    told = queue.Queue()
    with Module(session) as module:
        module.watch_variable("x", lambda *change: told.put(("first", *change)))
        session.set("x", 2.0, metadata={"source": "me"})
        assert told.get(timeout=30) == ("first", "x", 1.0, 2.0, {"source": "me"})

        def fails(*change):
            told.put(change)
            raise ValueError("not logged as an end")

        module.watch_variable("x", fails)
        for number in (3.0, 4.0):
            session["x"] = number
            assert told.get(timeout=30)[:3] == ("x", number - 1, number)
        assert [len(watch._progress._names) for watch in module._watches._by_name.values()] == [1]
        copied = copy.deepcopy(module)
        assert copied.get_variable("x") == 4.0 and copied._watches._by_name == {}
        watch = module._watches._by_name["x"]
    assert watch._closed.is_set() and session["x"] == 4.0


def test_an_object_that_is_gone_watches_no_more(session):
    session.register("x", "float", 1.0)
    module = Module(session)
    module.watch_variable("x", print)
    watch = module._watches._by_name["x"]
    del module
    assert watch._closed.is_set()
    assert isinstance(session, bridge_host.Session)
