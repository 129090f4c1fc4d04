use crate::error::check;
use crate::sys::*;
use crate::{host, panic_message, text, view, Code, FromValue, Result, ToValue, Type, Value};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::size_of;
use std::ops::Deref;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

fn api() -> &'static bridge_variables_api {
    unsafe { &*host().variables }
}

fn empty_variable() -> bridge_variable {
    bridge_variable {
        size: size_of::<bridge_variable>() as u32,
        version: 0,
        revision: 0,
        id: crate::EMPTY,
        name: crate::EMPTY,
        value: Value::null().raw,
        details: std::ptr::null(),
    }
}

/// The variables of the caller's session, for tools that only read them.
pub struct ReadVariables {
    call: *const bridge_call,
    raw: *const bridge_variables,
}

// The host's functions may be called from any thread while the tool runs.
unsafe impl Send for ReadVariables {}
unsafe impl Sync for ReadVariables {}

impl ReadVariables {
    pub(crate) fn new(call: *const bridge_call, raw: *const bridge_variables) -> ReadVariables {
        ReadVariables { call, raw }
    }

    /// The present version of a variable, kept until the snapshot goes; `NotFound`.
    pub fn snapshot(&self, name: &str) -> Result<Snapshot<'_>> {
        let mut raw = std::ptr::null_mut();
        check(self.call, unsafe { (api().get)(self.raw, view(name), 0, &mut raw) })?;
        let mut snapshot = Snapshot { raw, seen: empty_variable(), lifetime: PhantomData };
        check(self.call, unsafe { (api().read)(raw, &mut snapshot.seen) })?;
        Ok(snapshot)
    }

    /// A copy of a variable's value; `NotFound`, and `InvalidArgument` for one of another type.
    pub fn get<T: for<'v> FromValue<'v>>(&self, name: &str) -> Result<T> {
        self.snapshot(name)?.get()
    }

    /// Whether there is such a variable.
    pub fn contains(&self, name: &str) -> Result<bool> {
        match self.snapshot(name) {
            Ok(_) => Ok(true),
            Err(error) if error.code == Code::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The names of those that a pattern fits, oldest first; `*` stands for any run of characters.
    pub fn names(&self, pattern: &str) -> Result<Vec<String>> {
        unsafe extern "C" fn take(
            context: *mut c_void,
            variable: *const bridge_variable,
        ) -> bridge_status {
            let names = &mut *context.cast::<Vec<String>>();
            match text((*variable).name) {
                Ok(name) => names.push(name.to_owned()),
                Err(error) => return error.code.status(),
            }
            BRIDGE_OK
        }
        let mut names: Vec<String> = Vec::new();
        let context: *mut Vec<String> = &mut names;
        check(self.call, unsafe {
            (api().list)(self.raw, view(pattern), 0, Some(take), context.cast())
        })?;
        Ok(names)
    }

    /// Calls a function with each change of these variables, on threads of the host's, until the watch goes.
    ///
    /// - `initial`: first with the variables as they are.
    pub fn watch<'a>(
        &'a self,
        names: &[&str],
        initial: bool,
        function: impl FnMut(&Change<'_>) + Send + 'static,
    ) -> Result<Watch<'a>> {
        let state = Arc::new(WatchState { call: self.call, function: Mutex::new(Box::new(function)) });
        let names: Vec<bridge_str> = names.iter().map(|name| view(name)).collect();
        let subscription = bridge_subscription {
            size: size_of::<bridge_subscription>() as u32,
            flags: if initial { BRIDGE_WATCH_INITIAL } else { 0 },
            identifiers: names.as_ptr(),
            identifier_count: names.len(),
            on_change: Some(changed),
            context: Arc::as_ptr(&state) as *mut c_void,
        };
        let mut raw = std::ptr::null_mut();
        check(self.call, unsafe { (api().watch)(self.raw, &subscription, &mut raw) })?;
        Ok(Watch { raw, state: Some(state), lifetime: PhantomData })
    }
}

/// One version of a variable.
pub struct Snapshot<'a> {
    raw: *mut bridge_snapshot,
    seen: bridge_variable,
    lifetime: PhantomData<&'a ReadVariables>,
}

unsafe impl Send for Snapshot<'_> {}
unsafe impl Sync for Snapshot<'_> {}

impl Snapshot<'_> {
    /// The value; views last as long as the snapshot.
    pub fn get<'s, T: FromValue<'s>>(&'s self) -> Result<T> {
        T::from_value(unsafe { Value::new(self.seen.value) })
    }

    /// The name.
    pub fn name(&self) -> &str {
        unsafe { text(self.seen.name) }.unwrap_or("")
    }

    /// The type.
    pub fn value_type(&self) -> Type {
        Type(self.seen.value.type_)
    }

    /// Counts the variable's values, from 1.
    pub fn version(&self) -> i32 {
        self.seen.version
    }

    /// Of the session, when the version was written.
    pub fn revision(&self) -> i64 {
        self.seen.revision
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        unsafe { (api().release)(self.raw) };
    }
}

/// What a watch tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A variable as it was when the watch began.
    Initial,
    /// All initial values have come.
    Synced,
    /// A new version.
    Value,
    /// The variable is gone.
    Deleted,
    /// The watch is over.
    Ended,
    /// Something that the variable depends on changed.
    Dependency,
    /// An optimizer locked the variable or let go of it.
    Optimization,
    /// Of a newer host: pass over it.
    Other(u32),
}

/// One change that a watch tells of.
pub struct Change<'c> {
    raw: &'c bridge_change,
}

impl Change<'_> {
    /// What has happened.
    pub fn kind(&self) -> ChangeKind {
        match self.raw.kind {
            BRIDGE_CHANGE_INITIAL => ChangeKind::Initial,
            BRIDGE_CHANGE_SYNCED => ChangeKind::Synced,
            BRIDGE_CHANGE_VALUE => ChangeKind::Value,
            BRIDGE_CHANGE_DELETED => ChangeKind::Deleted,
            BRIDGE_CHANGE_ENDED => ChangeKind::Ended,
            BRIDGE_CHANGE_DEPENDENCY => ChangeKind::Dependency,
            BRIDGE_CHANGE_OPTIMIZATION => ChangeKind::Optimization,
            other => ChangeKind::Other(other),
        }
    }

    /// Of the session.
    pub fn revision(&self) -> i64 {
        self.raw.revision
    }

    /// The variable's name; nothing where the change is of none.
    pub fn name(&self) -> Option<&str> {
        unsafe { self.raw.variable.as_ref().and_then(|variable| text(variable.name).ok()) }
    }

    /// The variable's value; nothing where the change is of none.
    pub fn value<'s, T: FromValue<'s>>(&'s self) -> Result<Option<T>> {
        match unsafe { self.raw.variable.as_ref() } {
            Some(variable) => T::from_value(unsafe { Value::new(variable.value) }).map(Some),
            None => Ok(None),
        }
    }
}

struct WatchState {
    call: *const bridge_call,
    function: Mutex<Box<dyn FnMut(&Change<'_>) + Send>>,
}

/// A subscription. It ends when this goes, which waits for a function that runs.
pub struct Watch<'a> {
    raw: *mut bridge_watch,
    state: Option<Arc<WatchState>>,
    lifetime: PhantomData<&'a ReadVariables>,
}

unsafe impl Send for Watch<'_> {}
unsafe impl Sync for Watch<'_> {}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        // The host does not wait for a function that itself waits for the one that runs here: it holds the
        // state, too.
        unsafe { (api().unwatch)(self.raw) };
        self.state = None;
    }
}

unsafe extern "C" fn changed(context: *mut c_void, change: *const bridge_change) {
    let pointer = context as *const WatchState;
    Arc::increment_strong_count(pointer);
    let state = Arc::from_raw(pointer);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // One change at a time: only a panic before this one leaves it poisoned.
        let mut function = state.function.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        function(&Change { raw: &*change });
    }));
    if let Err(panic) = outcome {
        let message = format!("the function of a watch {}", panic_message(panic));
        ((*host().call).log)(state.call, BRIDGE_LOG_ERROR, view(&message));
    }
}

/// The variables of the caller's session. What [`ReadVariables`] can do, it can, too.
pub struct Variables {
    reading: ReadVariables,
    raw: *mut bridge_variables,
}

unsafe impl Send for Variables {}
unsafe impl Sync for Variables {}

impl Deref for Variables {
    type Target = ReadVariables;
    fn deref(&self) -> &ReadVariables {
        &self.reading
    }
}

/// One of several writes.
pub struct Write<'w> {
    /// The variable.
    pub name: &'w str,
    /// Its new value.
    pub value: Value<'w>,
    /// 0: any. Another: only if the variable still has this version.
    pub expected_version: i32,
}

impl<'w> Write<'w> {
    /// A write whatever the variable's version is.
    pub fn new(name: &'w str, value: &'w impl ToValue) -> Write<'w> {
        Write { name, value: value.to_value(), expected_version: 0 }
    }

    fn raw(&self) -> bridge_write {
        bridge_write {
            size: size_of::<bridge_write>() as u32,
            flags: 0,
            identifier: view(self.name),
            value: self.value.raw,
            expected_version: self.expected_version,
            reserved: 0,
            metadata: std::ptr::null(),
            metadata_count: 0,
            release: None,
            context: std::ptr::null_mut(),
        }
    }
}

impl Variables {
    pub(crate) fn new(call: *const bridge_call, raw: *mut bridge_variables) -> Variables {
        Variables { reading: ReadVariables::new(call, raw), raw }
    }

    /// Writes a variable. Answers the version that was written.
    pub fn set(&self, name: &str, value: &impl ToValue) -> Result<i32> {
        self.set_if(name, value, 0)
    }

    /// Writes a variable if it still has a version; `Aborted`.
    pub fn set_if(&self, name: &str, value: &impl ToValue, expected_version: i32) -> Result<i32> {
        let mut version = 0;
        let write = Write { expected_version, ..Write::new(name, value) }.raw();
        check(self.reading.call, unsafe { (api().set)(self.raw, &write, &mut version) })?;
        Ok(version)
    }

    /// Makes several writes, all or none, at one revision. Answers the versions.
    pub fn set_all(&self, writes: &[Write<'_>]) -> Result<Vec<i32>> {
        let raw: Vec<bridge_write> = writes.iter().map(Write::raw).collect();
        let pointers: Vec<*const bridge_write> = raw.iter().map(|write| write as *const _).collect();
        let mut versions = vec![0; writes.len()];
        check(self.reading.call, unsafe {
            (api().set_all)(self.raw, pointers.as_ptr(), pointers.len(), versions.as_mut_ptr())
        })?;
        Ok(versions)
    }

    /// Changes a variable by a function of its value; begins again when somebody else has written it
    /// meanwhile. Answers the new value.
    pub fn update<T>(&self, name: &str, mut function: impl FnMut(T) -> T) -> Result<T>
    where
        T: ToValue + for<'v> FromValue<'v>,
    {
        loop {
            let snapshot = self.snapshot(name)?;
            let value = function(snapshot.get()?);
            match self.set_if(name, &value, snapshot.version()) {
                Ok(_) => return Ok(value),
                Err(error) if error.code == Code::Aborted => {}
                Err(error) => return Err(error),
            }
            let call = self.reading.call;
            check(call, unsafe { ((*host().call).check)(call) })?;
        }
    }

    /// Makes a variable; `constraints` is a JSON object, or empty. `AlreadyExists`.
    pub fn create(&self, name: &str, value: &impl ToValue, constraints: &str) -> Result<()> {
        let value = value.to_value();
        let creation = bridge_creation {
            size: size_of::<bridge_creation>() as u32,
            type_: value.raw.type_,
            name: view(name),
            value: value.raw,
            constraints: view(constraints),
            metadata: std::ptr::null(),
            metadata_count: 0,
        };
        check(self.reading.call, unsafe { (api().create)(self.raw, &creation) })
    }

    /// Removes a variable; `NotFound`.
    pub fn remove(&self, name: &str) -> Result<()> {
        check(self.reading.call, unsafe { (api().remove)(self.raw, view(name)) })
    }
}

