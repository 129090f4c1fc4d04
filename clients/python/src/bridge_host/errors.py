"""What is raised when a call fails: an exception for each status, all of them a `BridgeError`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Optional

import grpc

from ._messages import ErrorInfoMessage, RetryInfoMessage, StatusMessage


class BridgeError(RuntimeError):
    """A call that failed.

    * `code`: the gRPC status, such as `grpc.StatusCode.NOT_FOUND`.
    * `message`: a sentence that says what was wrong, and with which value.
    * `reason`: the host's own name of the error, such as `"VARIABLE_NOT_FOUND"`; docs/limits.md lists them.
      None where the failure is not the host's, such as a lost connection.
    * `details`: facts for programs, such as `{"current_version": "3"}`.
    * `retry_after`: seconds after which the same call may succeed, where a limit of load has refused it; or None.
    """

    code: grpc.StatusCode = grpc.StatusCode.UNKNOWN

    def __init__(
        self, message: str, *, code: Optional[grpc.StatusCode] = None, reason: Optional[str] = None,
        details: Optional[Mapping[str, str]] = None, retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.message = message
        self.reason = reason
        self.details: dict[str, str] = dict(details or {})
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.reason or self.code.name}: {self.message}"

    def __reduce__(self) -> Any:
        return (_restored, (type(self), self.message, self.__dict__))


def _restored(kind: type[BridgeError], message: str, state: dict[str, Any]) -> BridgeError:
    error = kind.__new__(kind, message)
    error.__dict__.update(state)
    return error


class Cancelled(BridgeError):
    """The call was cancelled, or its client closed."""

    code = grpc.StatusCode.CANCELLED


class Unknown(BridgeError):
    """A failure without a status of its own."""

    code = grpc.StatusCode.UNKNOWN


class InvalidArgument(BridgeError, ValueError):
    """A value, constraint, parameter or option is wrong."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class DeadlineExceeded(BridgeError):
    """The call's time was over. Nobody knows whether the host has done what it was asked to do."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class NotFound(BridgeError, KeyError):
    """There is no such session, variable or tool."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExists(BridgeError):
    """The name or id is taken."""

    code = grpc.StatusCode.ALREADY_EXISTS


class PermissionDenied(BridgeError):
    """The variable's access rules, or the tool's declaration, forbid it."""

    code = grpc.StatusCode.PERMISSION_DENIED


class ResourceExhausted(BridgeError):
    """A limit is reached; the message names it."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class FailedPrecondition(BridgeError):
    """The state of the session or variable forbids it."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class Aborted(BridgeError):
    """Another one came first."""

    code = grpc.StatusCode.ABORTED


class VersionMismatch(Aborted):
    """The variable has another version than expected; nothing was written."""

    @property
    def current_version(self) -> Optional[int]:
        """The version that the variable has, where the host says so."""
        text = self.details.get("current_version")
        return int(text) if text else None


class OutOfRange(BridgeError):
    """A version or revision that is no longer held."""

    code = grpc.StatusCode.OUT_OF_RANGE


class Unimplemented(BridgeError):
    """This host does not do that."""

    code = grpc.StatusCode.UNIMPLEMENTED


class Internal(BridgeError):
    """A mistake of the host, or bytes that nobody understands."""

    code = grpc.StatusCode.INTERNAL


class Unavailable(BridgeError):
    """There is no connection, it was lost, or the host shuts down.

    When it was lost nobody knows whether the host has done what it was asked to do.
    """

    code = grpc.StatusCode.UNAVAILABLE


class DataLoss(BridgeError):
    """Data is lost for good."""

    code = grpc.StatusCode.DATA_LOSS


class Unauthenticated(BridgeError):
    """The host asks for a token or certificate that it knows."""

    code = grpc.StatusCode.UNAUTHENTICATED


class ToolError(BridgeError):
    """A tool has failed.

    `code` is the status that the tool gave, and `details` all facts as texts. `reason` is the type in capitals.
    """

    @property
    def type(self) -> str:
        """The tool's short name of the failure, such as `"division_by_zero"`."""
        return self.details.get("error_type", "")

    @property
    def retryable(self) -> bool:
        """Whether the tool says that the same call may succeed later."""
        return self.details.get("retryable") == "true"

    @property
    def facts(self) -> Any:
        """What the tool has told beside its message: JSON that was parsed, a text, or None."""
        text = self.details.get("error_details")
        if text is None:
            return None
        try:
            return json.loads(text)
        except ValueError:
            return text


class BatchError(BridgeError):
    """Updates of a batch were refused.

    * `errors`: why, by the identifier that was given.
    * `versions`: the new versions of those that were written; none when the batch was atomic.
    """

    code = grpc.StatusCode.INVALID_ARGUMENT

    def __init__(self, errors: Mapping[str, str], versions: Mapping[str, int]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in errors.items()))
        self.errors = dict(errors)
        self.versions = dict(versions)


_BY_CODE: dict[grpc.StatusCode, type[BridgeError]] = {
    kind.code: kind
    for kind in (
        Cancelled, Unknown, InvalidArgument, DeadlineExceeded, NotFound, AlreadyExists, PermissionDenied,
        ResourceExhausted, FailedPrecondition, Aborted, OutOfRange, Unimplemented, Internal, Unavailable,
        DataLoss, Unauthenticated)}
_BY_NUMBER: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
_DETAILS = "grpc-status-details-bin"


def from_grpc(failure: Any) -> BridgeError:
    """The exception for a failed call of grpc or grpc.aio."""
    code = failure.code()
    message = failure.details() or ""
    reason: Optional[str] = None
    details: dict[str, str] = {}
    retry_after: Optional[float] = None
    for key, value in failure.trailing_metadata() or ():
        if key == _DETAILS:
            reason, details, retry_after = _facts(value)
    kind: type[BridgeError]
    if "error_type" in details:
        kind = ToolError
    elif reason == "VERSION_MISMATCH":
        kind = VersionMismatch
    else:
        kind = _BY_CODE.get(code, BridgeError)
    return kind(message, code=code, reason=reason, details=details, retry_after=retry_after)


def _facts(data: bytes) -> tuple[Optional[str], dict[str, str], Optional[float]]:
    reason: Optional[str] = None
    details: dict[str, str] = {}
    retry_after: Optional[float] = None
    try:
        for packed in StatusMessage.FromString(data).details:
            name = packed.type_url.rpartition("/")[2]
            if name == "google.rpc.ErrorInfo":
                info = ErrorInfoMessage.FromString(packed.value)
                reason, details = info.reason, dict(info.metadata)
            elif name == "google.rpc.RetryInfo":
                delay = RetryInfoMessage.FromString(packed.value).retry_delay
                retry_after = delay.seconds + delay.nanos / 1e9
    except Exception:  # noqa: BLE001 - bytes of a stranger; status and message are there all the same
        pass
    return reason, details, retry_after


def from_tool(response: Any) -> ToolError:
    """The exception for an answer that says that its tool has failed."""
    details = dict(response.metadata)
    number = details.get("error_code", "")
    code = _BY_NUMBER.get(int(number) if number.isdigit() else -1, grpc.StatusCode.UNKNOWN)
    reason = details.get("error_type", "").upper() or None
    return ToolError(response.error_message, code=code, reason=reason, details=details)
