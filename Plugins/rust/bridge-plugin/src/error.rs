use crate::sys::*;
use crate::{host, text, view};
use std::fmt;

/// What functions of this crate and tools answer.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something failed: the codes of gRPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Code {
    Cancelled,
    Unknown,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    AlreadyExists,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Aborted,
    OutOfRange,
    Unimplemented,
    Internal,
    Unavailable,
    DataLoss,
    Unauthenticated,
}

const CODES: [Code; 16] = [
    Code::Cancelled,
    Code::Unknown,
    Code::InvalidArgument,
    Code::DeadlineExceeded,
    Code::NotFound,
    Code::AlreadyExists,
    Code::PermissionDenied,
    Code::ResourceExhausted,
    Code::FailedPrecondition,
    Code::Aborted,
    Code::OutOfRange,
    Code::Unimplemented,
    Code::Internal,
    Code::Unavailable,
    Code::DataLoss,
    Code::Unauthenticated,
];

impl Code {
    /// The code of a status that is not `BRIDGE_OK`; one that is not known is `Unknown`.
    pub fn of(status: bridge_status) -> Code {
        match status {
            1..=16 => CODES[status as usize - 1],
            _ => Code::Unknown,
        }
    }

    /// The number of the code.
    pub fn status(self) -> bridge_status {
        CODES.iter().position(|code| *code == self).map_or(BRIDGE_UNKNOWN, |index| index as i32 + 1)
    }
}

/// Why a tool or a function of the host's failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The code.
    pub code: Code,
    /// For a person: what was wrong, with which value.
    pub message: String,
    /// For a program: a short name; may be empty.
    pub kind: String,
    /// A JSON object; may be empty.
    pub details: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

impl Error {
    /// An error of a code and a message.
    pub fn new(code: Code, message: impl Into<String>) -> Error {
        Error {
            code,
            message: message.into(),
            kind: String::new(),
            details: String::new(),
            retryable: false,
        }
    }

    /// Something was wrong with what the caller gave.
    pub fn invalid(message: impl Into<String>) -> Error {
        Error::new(Code::InvalidArgument, message)
    }

    /// Reads what the host says of a failure.
    ///
    /// # Safety
    /// `error` and its views are valid.
    pub(crate) unsafe fn read(error: &bridge_error, status: bridge_status) -> Error {
        let read = |view| text(view).unwrap_or("").to_owned();
        Error {
            code: Code::of(status),
            message: read(error.message),
            kind: read(error.type_),
            details: read(error.details),
            retryable: error.flags & BRIDGE_ERROR_RETRYABLE != 0,
        }
    }

    /// What the host has to say of a function of this call that has just failed on this thread.
    pub(crate) fn last(call: *const bridge_call, status: bridge_status) -> Error {
        let mut error = empty_error();
        unsafe {
            if ((*host().call).last_error)(call, &mut error) == BRIDGE_OK && error.code == status {
                return Error::read(&error, status);
            }
        }
        let message = match status {
            BRIDGE_CANCELLED => "the call was cancelled".into(),
            BRIDGE_DEADLINE_EXCEEDED => "the deadline has passed".into(),
            _ => format!("the host answered status {}", status),
        };
        Error::new(Code::of(status), message)
    }

    /// Ends a call with this reason.
    pub(crate) fn fail(&self, call: *mut bridge_call) -> bridge_status {
        let status = self.code.status();
        let mut error = empty_error();
        error.flags = if self.retryable { BRIDGE_ERROR_RETRYABLE } else { 0 };
        error.code = status;
        error.message = view(&self.message);
        error.type_ = view(&self.kind);
        error.details = view(&self.details);
        unsafe { ((*host().call).fail)(call, &error) };
        status
    }
}

fn empty_error() -> bridge_error {
    bridge_error {
        size: std::mem::size_of::<bridge_error>() as u32,
        flags: 0,
        code: BRIDGE_OK,
        reserved: 0,
        message: crate::EMPTY,
        type_: crate::EMPTY,
        details: crate::EMPTY,
    }
}

/// `Ok` for `BRIDGE_OK`, and what the host has to say otherwise.
pub(crate) fn check(call: *const bridge_call, status: bridge_status) -> Result<()> {
    if status == BRIDGE_OK {
        Ok(())
    } else {
        Err(Error::last(call, status))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
