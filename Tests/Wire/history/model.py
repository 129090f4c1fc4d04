"""What a session does when operations come one after another."""

from typing import NamedTuple

from .operations import Answer, Seen


class State(NamedTuple):
    """A session between two operations; hashable, so that a search can remember it."""

    revision: int = 0
    last_ordinal: int = 0
    is_closed: bool = False
    # In the order of their registration.
    variables: tuple = ()
    # Which depend on which, as (source, dependent) by name.
    edges: frozenset = frozenset()

    def find(self, identifier):
        """The position of a variable by id or else by name, or -1."""
        by_name = -1
        for position, variable in enumerate(self.variables):
            if variable.name == identifier:
                by_name = position
            elif identifier.startswith("var_") and variable.id == identifier:
                return position
        return by_name


CLOSED = Answer("closed")


def apply(state, operation):
    """The sequential specification: the state after an operation, and its answer."""
    if state.is_closed:
        return state, (Answer() if operation.kind == "close" else CLOSED)
    return KINDS[operation.kind](state, operation)


def _register(state, operation):
    name = operation.identifiers[0]
    if any(variable.name == name for variable in state.variables):
        return state, Answer("exists")
    revision = state.revision + 1
    made = Seen(name, state.last_ordinal + 1, 1, operation.values[0], revision)
    after = State(revision, made.ordinal, False, state.variables + (made,), state.edges)
    return after, Answer("", revision, (made,))


def _get(state, operation):
    position = state.find(operation.identifiers[0])
    if position < 0:
        return state, Answer("missing")
    return state, Answer("", state.revision, (state.variables[position],))


def _get_many(state, operation):
    positions = map(state.find, operation.identifiers)
    found = tuple(state.variables[p] if p >= 0 else None for p in positions)
    return state, Answer("", state.revision, found)


def _set(state, operation):
    position = state.find(operation.identifiers[0])
    if position < 0:
        return state, Answer("missing")
    current = state.variables[position]
    if _is_mismatch(current, operation):
        return state, Answer("mismatch", None, (), current.version)
    if _is_locked(current, operation):
        return state, Answer("locked")
    after = _written(state, {position: operation.values[0]}, operation.constraints)
    return after, Answer("", after.revision, (current.version + 1,))


def _is_mismatch(variable, operation):
    expected = operation.expected[0] if operation.expected else 0
    return expected not in (0, variable.version)


def _is_locked(variable, operation):
    return variable.optimizer not in ("", operation.holder)


def _rollback(state, operation):
    position = state.find(operation.identifiers[0])
    if position < 0:
        return state, Answer("missing")
    current = state.variables[position]
    if _is_mismatch(current, operation):
        return state, Answer("mismatch", None, (), current.version)
    # The log says whether the value is that of the version; here it is as if the client had sent it.
    if not 0 < operation.target <= current.version:
        return state, Answer("unknown", None, (), current.version)
    after, answer = _set(state, operation)
    if answer.error:
        return state, answer
    return after, Answer("", after.revision, (after.variables[position],))


def _depend(state, operation):
    positions = [state.find(identifier) for identifier in operation.identifiers]
    if min(positions) < 0:
        return state, Answer("missing")
    dependent, source = (state.variables[position].name for position in positions)
    if source == dependent or source in _affected(state, [dependent]):
        return state, Answer("cycle")
    return state._replace(edges=state.edges | {(source, dependent)}), Answer()


def _affected(state, names):
    """The names of what depends on some names, directly or not; none of them themselves."""
    found = set(names)
    while True:
        more = {to for source, to in state.edges if source in found} - found
        if not more:
            return found - set(names)
        found |= more


def _start(state, operation):
    position = state.find(operation.identifiers[0])
    if position < 0:
        return state, Answer("missing")
    if _is_locked(state.variables[position], operation):
        return state, Answer("locked")
    after = _held(state, position, operation.holder)
    return after, Answer("", after.revision)


def _stop(state, operation):
    position = state.find(operation.identifiers[0])
    if position < 0:
        return state, Answer("missing")
    variable = state.variables[position]
    if not variable.optimizer and operation.force:
        return state, Answer("", state.revision, (variable,))
    if not operation.force and variable.optimizer != operation.holder:
        return state, Answer("locked")
    after = _held(state, position, "")
    return after, Answer("", after.revision, (after.variables[position],))


def _held(state, position, optimizer):
    variables = list(state.variables)
    variables[position] = variables[position]._replace(optimizer=optimizer)
    return state._replace(revision=state.revision + 1, variables=tuple(variables))


def _set_many(state, operation):
    faults = []
    writes = {}
    for index, identifier in enumerate(operation.identifiers):
        position = state.find(identifier)
        expected = operation.expected[index] if operation.expected else 0
        if position < 0:
            faults.append(("missing", 0))
        elif expected not in (0, state.variables[position].version):
            faults.append(("mismatch", state.variables[position].version))
        elif _is_locked(state.variables[position], operation):
            faults.append(("locked", 0))
        else:
            faults.append(("held", 0))
            writes[position] = operation.values[index]
    if len(writes) < len(operation.identifiers):
        return state, Answer("refused", state.revision, tuple(faults))
    after = _written(state, writes)
    versions = tuple(after.variables[position].version for position in writes)
    return after, Answer("", after.revision, versions)


def _list(state, operation):
    prefix = operation.pattern.removesuffix("*")
    found = tuple(v for v in state.variables if v.name.startswith(prefix))
    return state, Answer("", state.revision, found)


def _delete(state, operation):
    position = state.find(operation.identifiers[0])
    if position < 0:
        return state, Answer("missing")
    if _is_locked(state.variables[position], operation):
        return state, Answer("locked")
    left = state.variables[:position] + state.variables[position + 1:]
    name = state.variables[position].name
    after = state._replace(
        revision=state.revision + 1, variables=left,
        edges=frozenset(edge for edge in state.edges if name not in edge))
    return after, Answer("", after.revision)


def _revision(state, operation):
    return state, Answer("", state.revision)


def _close(state, operation):
    return state._replace(is_closed=True, variables=(), edges=frozenset()), Answer()


KINDS = {
    "register": _register, "get": _get, "get_many": _get_many, "set": _set,
    "set_many": _set_many, "list": _list, "delete": _delete, "revision": _revision,
    "close": _close, "constrain": _set, "rollback": _rollback, "depend": _depend,
    "start": _start, "stop": _stop,
}


def _written(state, writes, constraints=""):
    """The state after a write of `{position: value}` at one revision."""
    revision = state.revision + 1
    variables = list(state.variables)
    for position, value in writes.items():
        old = variables[position]
        variables[position] = Seen(
            old.name, old.ordinal, old.version + 1, value, revision,
            constraints or old.constraints, old.optimizer)
    affected = _affected(state, [variables[position].name for position in writes])
    for position, variable in enumerate(variables):
        if variable.name in affected and not variable.stale:
            variables[position] = variable._replace(stale=revision)
    return state._replace(revision=revision, variables=tuple(variables))


def agrees(specified, observed):
    """Whether an observed answer is the specified one; it may carry no revision."""
    return (specified.error == observed.error and specified.results == observed.results
            and specified.current == observed.current
            and (observed.revision is None or specified.revision == observed.revision))


def without_revisions(value):
    """A state or an answer with all it says about revisions taken out."""
    if isinstance(value, Seen):
        return value._replace(revision=0, stale=min(value.stale, 1))
    if isinstance(value, State):
        return value._replace(
            revision=0, variables=tuple(map(without_revisions, value.variables)))
    if isinstance(value, Answer):
        return value._replace(revision=None, results=tuple(map(without_revisions, value.results)))
    return value
