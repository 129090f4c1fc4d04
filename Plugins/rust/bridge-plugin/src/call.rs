use crate::error::check;
use crate::sys::*;
use crate::{bytes, host, panic_message, text, view, Code, Error, FromValue, Result, ToValue, Value};
use std::any::Any;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::size_of;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

fn api() -> &'static bridge_call_api {
    unsafe { &*host().call }
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// Drops a `Box<T>` that the host has kept. Nothing unwinds into the host.
pub(crate) unsafe extern "C" fn release<T>(context: *mut c_void) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(context.cast::<T>()))));
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Level {
    Debug = BRIDGE_LOG_DEBUG as isize,
    Info = BRIDGE_LOG_INFO as isize,
    Warning = BRIDGE_LOG_WARNING as isize,
    Error = BRIDGE_LOG_ERROR as isize,
}

/// One call of a tool.
pub struct Call {
    raw: *mut bridge_call,
}

// The host's functions may be called from any thread while the tool runs.
unsafe impl Send for Call {}
unsafe impl Sync for Call {}

type State = Box<dyn Any + Send + Sync>;

impl Call {
    pub(crate) fn new(raw: *mut bridge_call) -> Call {
        Call { raw }
    }

    /// A parameter that is required or has a default. Views last as long as the call.
    pub fn parameter<'c, T: FromValue<'c>>(&'c self, name: &str) -> Result<T> {
        let mut value = Value::null().raw;
        check(self.raw, unsafe { (api().parameter)(self.raw, view(name), &mut value) })?;
        T::from_value(unsafe { Value::new(value) })
    }

    /// A parameter that may be absent.
    pub fn optional<'c, T: FromValue<'c>>(&'c self, name: &str) -> Result<Option<T>> {
        let mut value = Value::null().raw;
        match unsafe { (api().parameter)(self.raw, view(name), &mut value) } {
            BRIDGE_NOT_FOUND => return Ok(None),
            status => check(self.raw, status)?,
        }
        if value.type_ == BRIDGE_TYPE_NULL {
            return Ok(None);
        }
        T::from_value(unsafe { Value::new(value) }).map(Some)
    }

    /// The id of the caller's session.
    pub fn session_id(&self) -> Result<&str> {
        let mut id = crate::EMPTY;
        check(self.raw, unsafe { (api().session_id)(self.raw, &mut id) })?;
        unsafe { text(id) }
    }

    /// An entry of the request's metadata.
    pub fn metadata(&self, key: &str) -> Result<Option<&str>> {
        let mut value = crate::EMPTY;
        match unsafe { (api().metadata)(self.raw, view(key), &mut value) } {
            BRIDGE_NOT_FOUND => return Ok(None),
            status => check(self.raw, status)?,
        }
        unsafe { text(value) }.map(Some)
    }

    /// Fails when the call is to end.
    pub fn check(&self) -> Result<()> {
        check(self.raw, unsafe { (api().check)(self.raw) })
    }

    /// Sleeps; fails when the call is to end before that.
    pub fn sleep(&self, time: Duration) -> Result<()> {
        check(self.raw, unsafe { (api().sleep)(self.raw, nanoseconds(time)) })
    }

    /// Until the deadline; nothing without one.
    pub fn remaining(&self) -> Result<Option<Duration>> {
        let mut left = 0;
        check(self.raw, unsafe { (api().remaining)(self.raw, &mut left) })?;
        Ok(if left == i64::MAX { None } else { Some(Duration::from_nanos(left.max(0) as u64)) })
    }

    /// Tells how much is done, from 0 to 1; fails when the call is to end.
    pub fn progress(&self, fraction: f64, message: &str) -> Result<()> {
        check(self.raw, unsafe { (api().progress)(self.raw, fraction, view(message)) })
    }

    /// Streams a chunk, and waits while the client is slower; fails when the call is to end.
    /// Answers false where nobody streams from this call.
    pub fn emit(&self, chunk: &impl ToValue) -> Result<bool> {
        let value = chunk.to_value();
        loop {
            match unsafe { (api().emit)(self.raw, &value.raw) } {
                BRIDGE_OK => return Ok(true),
                BRIDGE_FAILED_PRECONDITION => return Ok(false),
                BRIDGE_FULL => check(self.raw, unsafe { (api().wait_for_room)(self.raw) })?,
                status => return Err(Error::last(self.raw, status)),
            }
        }
    }

    /// Bytes that are answered beside the result, without a copy.
    pub fn binary(&self, data: Vec<u8>) -> Result<()> {
        let (start, length) = (data.as_ptr(), data.len());
        let kept = Box::into_raw(Box::new(data));
        check(self.raw, unsafe {
            (api().give_binary)(
                self.raw,
                start.cast(),
                length,
                Some(release::<Vec<u8>>),
                kept.cast(),
            )
        })
    }

    /// Adds an entry to the answer's metadata.
    pub fn annotate(&self, key: &str, value: &str) -> Result<()> {
        check(self.raw, unsafe { (api().annotate)(self.raw, view(key), view(value)) })
    }

    /// Writes a line to the host's log.
    pub fn log(&self, level: Level, message: &str) {
        unsafe { (api().log)(self.raw, level as bridge_log_level, view(message)) };
    }

    /// What this plugin keeps for the caller's session, made at the first call. It goes with the session.
    ///
    /// A plugin keeps one thing for a session: with another type than before it is `FailedPrecondition`.
    pub fn state<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Result<&T> {
        let mut state = std::ptr::null_mut();
        if unsafe { (api().state)(self.raw, &mut state) } != BRIDGE_OK {
            let fresh: *mut State = Box::into_raw(Box::new(Box::new(make())));
            let mut kept = std::ptr::null_mut();
            let status = unsafe {
                (api().keep_state)(self.raw, fresh.cast(), Some(release::<State>), &mut kept)
            };
            state = if status == BRIDGE_OK { fresh.cast() } else { kept };
            if status != BRIDGE_OK {
                drop(unsafe { Box::from_raw(fresh) });
            }
            if status != BRIDGE_ALREADY_EXISTS {
                check(self.raw, status)?;
            }
        }
        // It stays until the call has ended.
        let state = unsafe { &*state.cast::<State>() };
        state.downcast_ref().ok_or_else(|| {
            Error::new(Code::FailedPrecondition, "the session's state is of another type")
        })
    }

    /// Calls another tool in the caller's session and waits for it; the `Err` is what it failed with.
    pub fn call(&self, tool: &str, arguments: &[(&str, Value<'_>)]) -> Result<Outcome<'_>> {
        let tools = unsafe { &*host().tools };
        let arguments: Vec<bridge_argument> = arguments
            .iter()
            .map(|(name, value)| bridge_argument { name: view(name), value: value.raw })
            .collect();
        let request = bridge_request {
            size: size_of::<bridge_request>() as u32,
            flags: 0,
            tool: view(tool),
            arguments: arguments.as_ptr(),
            argument_count: arguments.len(),
            metadata: std::ptr::null(),
            metadata_count: 0,
            timeout: 0,
            on_chunk: None,
            on_end: None,
            context: std::ptr::null_mut(),
        };
        let mut raw = std::ptr::null_mut();
        check(self.raw, unsafe { (tools.invoke)(self.raw, &request, &mut raw) })?;
        let mut outcome = Outcome { raw, seen: empty_outcome(), lifetime: PhantomData };
        check(self.raw, unsafe { (tools.outcome)(raw, &mut outcome.seen) })?;
        match outcome.seen.status {
            BRIDGE_OK => Ok(outcome),
            status => Err(unsafe {
                match outcome.seen.error.as_ref() {
                    Some(error) => Error::read(error, status),
                    None => Error::new(Code::of(status), "the other tool has failed"),
                }
            }),
        }
    }

    /// Tells a function when the call is to end, on a thread of the host's, until the listener goes.
    pub fn on_cancel(&self, function: impl Fn(Code) + Send + Sync + 'static) -> Result<Listener<'_>> {
        unsafe extern "C" fn told(context: *mut c_void, reason: bridge_status) {
            let function = &*context.cast::<OnCancel>();
            let outcome = catch_unwind(AssertUnwindSafe(|| function(Code::of(reason))));
            if let Err(panic) = outcome {
                let message = format!("the function of a listener {}", panic_message(panic));
                (host().log)(host(), BRIDGE_LOG_ERROR, view(&message));
            }
        }
        let function: Box<OnCancel> = Box::new(Box::new(function));
        let context: *const OnCancel = &*function;
        let mut raw = std::ptr::null_mut();
        check(self.raw, unsafe {
            (api().on_cancel)(self.raw, Some(told), context as *mut c_void, &mut raw)
        })?;
        Ok(Listener { raw, function: Some(function), lifetime: PhantomData })
    }

    /// For functions of the host's that this crate does not have.
    pub fn raw(&self) -> *mut bridge_call {
        self.raw
    }
}

type OnCancel = Box<dyn Fn(Code) + Send + Sync>;

/// The wish to be told when a call is to end.
pub struct Listener<'c> {
    raw: *mut bridge_listener,
    function: Option<Box<OnCancel>>,
    lifetime: PhantomData<&'c Call>,
}

unsafe impl Send for Listener<'_> {}
unsafe impl Sync for Listener<'_> {}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        // Waits for the function if it runs, so that it may go afterwards. Nobody but the function itself could
        // be exempt from that, and it does not have the listener.
        unsafe { (api().forget)(self.raw) };
        self.function = None;
    }
}

/// What another tool has answered.
pub struct Outcome<'c> {
    raw: *mut bridge_invocation,
    seen: bridge_outcome,
    lifetime: PhantomData<&'c Call>,
}

unsafe impl Send for Outcome<'_> {}
unsafe impl Sync for Outcome<'_> {}

impl Outcome<'_> {
    /// The result; views last as long as this.
    pub fn get<'s, T: FromValue<'s>>(&'s self) -> Result<T> {
        T::from_value(unsafe { Value::new(self.seen.value) })
    }

    /// The bytes beside it.
    pub fn binary(&self) -> &[u8] {
        unsafe { bytes(self.seen.binary) }
    }
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        unsafe { ((*host().tools).drop)(self.raw) };
    }
}

fn empty_outcome() -> bridge_outcome {
    bridge_outcome {
        size: size_of::<bridge_outcome>() as u32,
        status: BRIDGE_OK,
        value: Value::null().raw,
        binary: crate::EMPTY,
        error: std::ptr::null(),
        metadata: std::ptr::null(),
        metadata_count: 0,
    }
}
