use crate::call::release;
use crate::error::check;
use crate::sys::*;
use crate::{host, panic_message, set_host, text, view, Call, Code, Error, ReadVariables, Result};
use crate::{ToValue, Type, Variables};
use std::any::Any;
use std::ffi::c_void;
use std::mem::size_of;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Mutex;

/// One parameter of a tool. The host checks calls against it and fills in the default.
pub struct Parameter {
    name: String,
    description: String,
    type_: Type,
    is_required: bool,
    constraints: String,
    default_value: Option<bridge_value>,
}

impl Parameter {
    fn of(name: &str, description: &str, type_: Type) -> Parameter {
        Parameter {
            name: name.into(),
            description: description.into(),
            type_,
            is_required: false,
            constraints: String::new(),
            default_value: None,
        }
    }

    /// A parameter that every call gives. Its name is 1 to 128 of `[A-Za-z0-9_.-]`.
    pub fn required<T: ToValue + ?Sized>(name: &str, description: &str) -> Parameter {
        Parameter { is_required: true, ..Parameter::of(name, description, T::TYPE) }
    }

    /// A parameter that a call may leave out.
    pub fn optional<T: ToValue + ?Sized>(name: &str, description: &str) -> Parameter {
        Parameter::of(name, description, T::TYPE)
    }

    /// A parameter with a default.
    pub fn default<T: ToValue + 'static>(name: &str, description: &str, value: T) -> Parameter {
        // The host looks at it for as long as the plugin is loaded, which is until the process ends.
        let value: &'static T = Box::leak(Box::new(value));
        Parameter {
            default_value: Some(value.to_value().raw),
            ..Parameter::of(name, description, T::TYPE)
        }
    }

    /// The same parameter with another type: `Type::CHOICE` for a text, `Type::OBJECT` for `Json`.
    pub fn of_type(mut self, type_: Type) -> Parameter {
        self.type_ = type_;
        if let Some(value) = &mut self.default_value {
            value.type_ = type_.0;
        }
        self
    }

    /// A JSON object of constraints as variables have them; of `Json`, a JSON Schema (2020-12).
    pub fn constraints(mut self, json: &str) -> Parameter {
        self.constraints = json.into();
        self
    }

    fn describe(self) -> bridge_parameter {
        let is_json = [Type::OBJECT, Type::ARRAY, Type::ANY].contains(&self.type_);
        let constraints = kept(self.constraints);
        bridge_parameter {
            size: size_of::<bridge_parameter>() as u32,
            flags: if self.is_required { BRIDGE_PARAMETER_REQUIRED } else { 0 },
            name: kept(self.name),
            description: kept(self.description),
            type_: self.type_.0,
            reserved: 0,
            default_value: self
                .default_value
                .map_or(std::ptr::null(), |value| Box::leak(Box::new(value)) as *const _),
            constraints: if is_json { crate::EMPTY } else { constraints },
            schema: if is_json { constraints } else { crate::EMPTY },
        }
    }
}

type Body = Box<dyn Fn(*mut bridge_call, *mut bridge_variables) -> Result<()> + Send + Sync>;

/// A tool: what runs, what it takes, and what it answers.
pub struct Tool {
    name: String,
    title: String,
    description: String,
    parameters: Vec<Parameter>,
    output_type: Type,
    output_description: String,
    flags: u32,
    threading: bridge_threading,
    concurrency: u32,
    reads: Vec<String>,
    writes: Vec<String>,
    is_read_only: bool,
    body: Body,
}

impl Tool {
    /// A tool that reads and writes variables. Its name is 1 to 128 of `[A-Za-z0-9_.-]`.
    pub fn new<T, F>(name: &str, description: &str, function: F) -> Tool
    where
        T: ToValue + Send + 'static,
        F: Fn(&Call, &Variables) -> Result<T> + Send + Sync + 'static,
    {
        Tool::of(name, description, T::TYPE, false, move |call, variables| {
            answer(call, function(&Call::new(call), &Variables::new(call, variables))?)
        })
    }

    /// A tool that only reads variables.
    pub fn read_only<T, F>(name: &str, description: &str, function: F) -> Tool
    where
        T: ToValue + Send + 'static,
        F: Fn(&Call, &ReadVariables) -> Result<T> + Send + Sync + 'static,
    {
        Tool::of(name, description, T::TYPE, true, move |call, variables| {
            answer(call, function(&Call::new(call), &ReadVariables::new(call, variables))?)
        })
    }

    fn of(
        name: &str,
        description: &str,
        output_type: Type,
        is_read_only: bool,
        body: impl Fn(*mut bridge_call, *mut bridge_variables) -> Result<()> + Send + Sync + 'static,
    ) -> Tool {
        Tool {
            name: name.into(),
            title: String::new(),
            description: description.into(),
            parameters: Vec::new(),
            output_type,
            output_description: String::new(),
            flags: 0,
            threading: BRIDGE_PARALLEL,
            concurrency: 0,
            reads: Vec::new(),
            writes: Vec::new(),
            is_read_only,
            body: Box::new(body),
        }
    }

    /// Takes one more parameter.
    pub fn parameter(mut self, parameter: Parameter) -> Tool {
        self.parameters.push(parameter);
        self
    }

    /// A name for people.
    pub fn title(mut self, title: &str) -> Tool {
        self.title = title.into();
        self
    }

    /// What the result means.
    pub fn answers(mut self, description: &str) -> Tool {
        self.output_description = description.into();
        self
    }

    /// It emits chunks.
    pub fn streams(self) -> Tool {
        self.flag(BRIDGE_TOOL_STREAMS)
    }

    /// It may destroy something.
    pub fn destructive(self) -> Tool {
        self.flag(BRIDGE_TOOL_DESTRUCTIVE)
    }

    /// Calling it twice does what calling it once does.
    pub fn idempotent(self) -> Tool {
        self.flag(BRIDGE_TOOL_IDEMPOTENT)
    }

    /// It deals with things outside host and session, as the network.
    pub fn open_world(self) -> Tool {
        self.flag(BRIDGE_TOOL_OPEN_WORLD)
    }

    /// Its writes are made together when it succeeds, and not at all otherwise.
    pub fn atomic(self) -> Tool {
        self.flag(BRIDGE_TOOL_ATOMIC)
    }

    /// It takes microseconds and never waits.
    pub fn quick(self) -> Tool {
        self.flag(BRIDGE_TOOL_QUICK)
    }

    /// One call at a time of all the plugin's serial tools.
    pub fn serial(mut self) -> Tool {
        self.threading = BRIDGE_SERIAL;
        self
    }

    /// At most so many calls at once.
    pub fn concurrency(mut self, calls: u32) -> Tool {
        self.concurrency = calls;
        self
    }

    /// The variables that it reads: names, or patterns with `*`.
    pub fn reads(mut self, names: &[&str]) -> Tool {
        self.reads = names.iter().map(|name| name.to_string()).collect();
        self
    }

    /// The variables that it writes: names, or patterns with `*`.
    pub fn writes(mut self, names: &[&str]) -> Tool {
        self.writes = names.iter().map(|name| name.to_string()).collect();
        self
    }

    fn flag(mut self, flag: u32) -> Tool {
        self.flags |= flag;
        self
    }

    fn describe(self) -> *const bridge_tool {
        let parameters: Vec<*const bridge_parameter> = self
            .parameters
            .into_iter()
            .map(|parameter| Box::leak(Box::new(parameter.describe())) as *const _)
            .collect();
        let (parameters, parameter_count) = kept_slice(parameters);
        let (reads, read_count) = kept_slice(self.reads.into_iter().map(kept).collect());
        let (writes, write_count) = kept_slice(self.writes.into_iter().map(kept).collect());
        let output = bridge_output {
            size: size_of::<bridge_output>() as u32,
            type_: self.output_type.0,
            description: kept(self.output_description),
            constraints: crate::EMPTY,
            schema: crate::EMPTY,
        };
        let body: &'static Body = Box::leak(Box::new(self.body));
        Box::leak(Box::new(bridge_tool {
            size: size_of::<bridge_tool>() as u32,
            flags: self.flags,
            name: kept(self.name),
            title: kept(self.title),
            description: kept(self.description),
            threading: self.threading,
            concurrency: self.concurrency,
            parameters,
            parameter_count,
            output: Box::leak(Box::new(output)),
            reads,
            read_count,
            writes,
            write_count,
            context: body as *const Body as *mut c_void,
            run: if self.is_read_only { None } else { Some(run) },
            run_read_only: if self.is_read_only { Some(run_read_only) } else { None },
        }))
    }
}

/// Memory that is there until the process ends, as a plugin in Rust is.
fn kept(text: String) -> bridge_str {
    view(Box::leak(text.into_boxed_str()))
}

fn kept_slice<T: 'static>(items: Vec<T>) -> (*const T, usize) {
    let items: &'static [T] = Box::leak(items.into_boxed_slice());
    (items.as_ptr(), items.len())
}

/// Sets a call's result. What it points to is given to the host, which drops it: no copy of large ones.
fn answer<T: ToValue + Send + 'static>(call: *mut bridge_call, result: T) -> Result<()> {
    if T::TYPE == Type::NULL {
        return Ok(());
    }
    let result = Box::new(result);
    let value = result.to_value().raw;
    let api = unsafe { &*host().call };
    let kept = Box::into_raw(result);
    check(call, unsafe { (api.give_result)(call, &value, Some(release::<T>), kept.cast()) })
}

unsafe extern "C" fn run(
    context: *mut c_void,
    call: *mut bridge_call,
    variables: *mut bridge_variables,
) -> bridge_status {
    let body = &*context.cast::<Body>();
    // A tool that panics may leave what it shares with other calls half done; that is for the locks there,
    // which are poisoned then.
    let outcome = catch_unwind(AssertUnwindSafe(|| body(call, variables)));
    let error = match outcome {
        Ok(Ok(())) => return BRIDGE_OK,
        Ok(Err(error)) => error,
        Err(panic) => Error::new(Code::Internal, panic_message(panic)),
    };
    error.fail(call)
}

unsafe extern "C" fn run_read_only(
    context: *mut c_void,
    call: *mut bridge_call,
    variables: *const bridge_variables,
) -> bridge_status {
    // `ReadVariables` has no function that writes.
    run(context, call, variables as *mut bridge_variables)
}

type Start = Box<dyn FnOnce(&str) -> Result<()> + Send>;

/// Takes the configuration: put there by `enter`, taken by `init`.
static START: Mutex<Option<Start>> = Mutex::new(None);

/// A plugin: its name and its tools. It stays in memory until the process ends.
pub struct Plugin {
    name: String,
    version: String,
    description: String,
    schema: String,
    start: Option<Start>,
    tools: Vec<Tool>,
}

impl Plugin {
    /// A plugin without tools. Its name is 1 to 128 of `[A-Za-z0-9_.-]`; the version has any form.
    pub fn new(name: &str, version: &str) -> Plugin {
        Plugin {
            name: name.into(),
            version: version.into(),
            description: String::new(),
            schema: String::new(),
            start: None,
            tools: Vec::new(),
        }
    }

    /// What the plugin is for.
    pub fn description(mut self, description: &str) -> Plugin {
        self.description = description.into();
        self
    }

    /// Brings one more tool.
    pub fn tool(mut self, tool: Tool) -> Plugin {
        self.tools.push(tool);
        self
    }

    /// A JSON Schema of the configuration, an object, and what takes it as JSON text before any call. An `Err`
    /// keeps the plugin from being loaded.
    pub fn configuration(
        mut self,
        schema: &str,
        start: impl FnOnce(&str) -> Result<()> + Send + 'static,
    ) -> Plugin {
        self.schema = schema.into();
        self.start = Some(Box::new(start));
        self
    }

    fn describe(self) -> *const bridge_plugin {
        let tools: Vec<*const bridge_tool> = self.tools.into_iter().map(Tool::describe).collect();
        let (tools, tool_count) = kept_slice(tools);
        let init: Option<unsafe extern "C" fn(*const bridge_host, bridge_str) -> bridge_status> =
            if self.start.is_some() { Some(start) } else { None };
        *START.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = self.start;
        Box::leak(Box::new(bridge_plugin {
            size: size_of::<bridge_plugin>() as u32,
            abi_version: BRIDGE_ABI_VERSION,
            flags: 0,
            reserved: 0,
            name: kept(self.name),
            version: kept(self.version),
            description: kept(self.description),
            tools,
            tool_count,
            configuration_schema: kept(self.schema),
            init,
            deinit: None,
            extension: None,
        }))
    }
}

unsafe extern "C" fn start(from: *const bridge_host, configuration: bridge_str) -> bridge_status {
    refusing(from, || {
        let start = START.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        match start {
            Some(start) => start(text(configuration)?),
            None => Ok(()),
        }
    })
}

/// Runs something; a failure is told to the host, which then does not load the plugin.
unsafe fn refusing(from: *const bridge_host, body: impl FnOnce() -> Result<()>) -> bridge_status {
    let outcome: std::result::Result<Result<()>, Box<dyn Any + Send>> =
        catch_unwind(AssertUnwindSafe(body));
    let error = match outcome {
        Ok(Ok(())) => return BRIDGE_OK,
        Ok(Err(error)) => error,
        Err(panic) => Error::new(Code::Internal, panic_message(panic)),
    };
    ((*from).refuse)(from, view(&error.message));
    error.code.status()
}

/// Introduces a plugin to the host: what [`export!`](crate::export) calls.
///
/// # Safety
/// Both pointers are those of the entry function, which the host calls once.
pub unsafe fn enter(
    from: *const bridge_host,
    plugin: *mut *const bridge_plugin,
    make: impl FnOnce() -> Plugin,
) -> bridge_status {
    refusing(from, || {
        if (*from).abi_minimum > BRIDGE_ABI_VERSION || (*from).abi_maximum < BRIDGE_ABI_VERSION {
            return Err(Error::new(
                Code::FailedPrecondition,
                "the plugin speaks version 1 of the plugin ABI",
            ));
        }
        set_host(from);
        *plugin = make().describe();
        Ok(())
    })
}
