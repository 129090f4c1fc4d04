use crate::sys::*;
use crate::{bytes, text, view, view_bytes, Code, Error, Result};
use std::marker::PhantomData;

/// The type of a parameter, a result or a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Type(pub(crate) bridge_type);

#[allow(missing_docs)]
impl Type {
    pub const NULL: Type = Type(BRIDGE_TYPE_NULL);
    pub const FLOAT: Type = Type(BRIDGE_TYPE_FLOAT);
    pub const INTEGER: Type = Type(BRIDGE_TYPE_INTEGER);
    pub const STRING: Type = Type(BRIDGE_TYPE_STRING);
    pub const BOOLEAN: Type = Type(BRIDGE_TYPE_BOOLEAN);
    pub const CHOICE: Type = Type(BRIDGE_TYPE_CHOICE);
    pub const MODULE: Type = Type(BRIDGE_TYPE_MODULE);
    pub const EMBEDDING: Type = Type(BRIDGE_TYPE_EMBEDDING);
    pub const TENSOR: Type = Type(BRIDGE_TYPE_TENSOR);
    pub const OBJECT: Type = Type(BRIDGE_TYPE_OBJECT);
    pub const ARRAY: Type = Type(BRIDGE_TYPE_ARRAY);
    pub const BYTES: Type = Type(BRIDGE_TYPE_BYTES);
    pub const ANY: Type = Type(BRIDGE_TYPE_ANY);
}

/// A value that somebody else owns.
#[derive(Clone, Copy)]
pub struct Value<'v> {
    pub(crate) raw: bridge_value,
    lifetime: PhantomData<&'v [u8]>,
}

impl<'v> Value<'v> {
    /// # Safety
    /// What `raw` points to lasts as long as the lifetime.
    pub(crate) unsafe fn new(raw: bridge_value) -> Value<'v> {
        Value { raw, lifetime: PhantomData }
    }

    fn of(type_: Type, as_: bridge_value_as) -> Value<'v> {
        Value { raw: bridge_value { type_: type_.0, reserved: 0, as_ }, lifetime: PhantomData }
    }

    pub(crate) fn null() -> Value<'v> {
        Value::of(Type::NULL, bridge_value_as { integer: 0 })
    }

    /// The type.
    pub fn value_type(&self) -> Type {
        Type(self.raw.type_)
    }

    fn expect(&self, types: &[Type], name: &str) -> Result<()> {
        if types.contains(&self.value_type()) {
            Ok(())
        } else {
            Err(Error::invalid(format!("the value is no {}", name)))
        }
    }
}

/// What can be a result, a chunk, a variable's value or an argument.
pub trait ToValue {
    /// What a parameter or a result of this type declares.
    const TYPE: Type;
    /// A view.
    fn to_value(&self) -> Value<'_>;
}

/// What a parameter or a variable can be read as.
pub trait FromValue<'v>: Sized {
    /// Reads a value; an error for one of another type.
    fn from_value(value: Value<'v>) -> Result<Self>;
}

impl ToValue for () {
    const TYPE: Type = Type::NULL;
    fn to_value(&self) -> Value<'_> {
        Value::null()
    }
}

impl ToValue for f64 {
    const TYPE: Type = Type::FLOAT;
    fn to_value(&self) -> Value<'_> {
        Value::of(Self::TYPE, bridge_value_as { number: *self })
    }
}

impl FromValue<'_> for f64 {
    fn from_value(value: Value<'_>) -> Result<f64> {
        value.expect(&[Type::FLOAT], "float")?;
        Ok(unsafe { value.raw.as_.number })
    }
}

impl ToValue for f32 {
    const TYPE: Type = Type::FLOAT;
    fn to_value(&self) -> Value<'_> {
        Value::of(Self::TYPE, bridge_value_as { number: f64::from(*self) })
    }
}

impl FromValue<'_> for f32 {
    fn from_value(value: Value<'_>) -> Result<f32> {
        f64::from_value(value).map(|number| number as f32)
    }
}

/// Integers that always fit into 64 bits with a sign.
macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl ToValue for $integer {
            const TYPE: Type = Type::INTEGER;
            fn to_value(&self) -> Value<'_> {
                Value::of(Self::TYPE, bridge_value_as { integer: i64::from(*self) })
            }
        }

        impl FromValue<'_> for $integer {
            fn from_value(value: Value<'_>) -> Result<$integer> {
                value.expect(&[Type::INTEGER], "integer")?;
                let integer = unsafe { value.raw.as_.integer };
                <$integer>::try_from(integer).map_err(|_| {
                    Error::new(Code::OutOfRange, format!("{} does not fit", integer))
                })
            }
        }
    )*};
}
integers!(i64, i32, i16, i8, u32, u16, u8);

impl ToValue for bool {
    const TYPE: Type = Type::BOOLEAN;
    fn to_value(&self) -> Value<'_> {
        Value::of(Self::TYPE, bridge_value_as { boolean: u8::from(*self) })
    }
}

impl FromValue<'_> for bool {
    fn from_value(value: Value<'_>) -> Result<bool> {
        value.expect(&[Type::BOOLEAN], "boolean")?;
        Ok(unsafe { value.raw.as_.boolean } != 0)
    }
}

impl ToValue for str {
    const TYPE: Type = Type::STRING;
    fn to_value(&self) -> Value<'_> {
        Value::of(Self::TYPE, bridge_value_as { text: view(self) })
    }
}

impl ToValue for &str {
    const TYPE: Type = Type::STRING;
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

impl ToValue for String {
    const TYPE: Type = Type::STRING;
    fn to_value(&self) -> Value<'_> {
        self.as_str().to_value()
    }
}

impl<'v> FromValue<'v> for &'v str {
    fn from_value(value: Value<'v>) -> Result<&'v str> {
        value.expect(&[Type::STRING, Type::CHOICE, Type::MODULE], "text")?;
        unsafe { text(value.raw.as_.text) }
    }
}

impl FromValue<'_> for String {
    fn from_value(value: Value<'_>) -> Result<String> {
        <&str>::from_value(value).map(str::to_owned)
    }
}

/// JSON text of any value: for parameters with a JSON Schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Json(pub String);

impl ToValue for Json {
    const TYPE: Type = Type::ANY;
    fn to_value(&self) -> Value<'_> {
        Value::of(Self::TYPE, bridge_value_as { text: view(&self.0) })
    }
}

impl FromValue<'_> for Json {
    fn from_value(value: Value<'_>) -> Result<Json> {
        value.expect(&[Type::OBJECT, Type::ARRAY, Type::ANY], "JSON text")?;
        unsafe { text(value.raw.as_.text) }.map(|text| Json(text.to_owned()))
    }
}

/// Bytes as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl ToValue for Bytes {
    const TYPE: Type = Type::BYTES;
    fn to_value(&self) -> Value<'_> {
        Value::of(Self::TYPE, bridge_value_as { text: view_bytes(&self.0) })
    }
}

impl<'v> FromValue<'v> for &'v [u8] {
    fn from_value(value: Value<'v>) -> Result<&'v [u8]> {
        value.expect(&[Type::BYTES], "bytes")?;
        Ok(unsafe { bytes(value.raw.as_.text) })
    }
}

impl FromValue<'_> for Bytes {
    fn from_value(value: Value<'_>) -> Result<Bytes> {
        <&[u8]>::from_value(value).map(|bytes| Bytes(bytes.to_vec()))
    }
}

/// The numbers of an embedding or a tensor where they are: no copy.
#[derive(Clone, Copy)]
pub struct Numbers<'v> {
    raw: bridge_numbers,
    lifetime: PhantomData<&'v [u8]>,
}

/// What the numbers of an embedding or a tensor can be.
pub trait Element: Copy + sealed::Sealed {
    #[doc(hidden)]
    const ELEMENT: bridge_element;
    #[doc(hidden)]
    fn to_f64(self) -> f64;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! elements {
    ($($number:ty = $element:ident),*) => {$(
        impl sealed::Sealed for $number {}
        impl Element for $number {
            const ELEMENT: bridge_element = $element;
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
    )*};
}
elements!(
    f64 = BRIDGE_FLOAT64,
    f32 = BRIDGE_FLOAT32,
    i64 = BRIDGE_INT64,
    i32 = BRIDGE_INT32,
    i16 = BRIDGE_INT16,
    i8 = BRIDGE_INT8,
    u64 = BRIDGE_UINT64,
    u32 = BRIDGE_UINT32,
    u16 = BRIDGE_UINT16,
    u8 = BRIDGE_UINT8
);

impl<'v> Numbers<'v> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.raw.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.raw.count == 0
    }

    /// Lengths, outermost first.
    pub fn shape(&self) -> Vec<u64> {
        if !self.raw.shape.is_null() {
            let rank = self.raw.rank as usize;
            return unsafe { std::slice::from_raw_parts(self.raw.shape, rank) }.to_vec();
        }
        if self.raw.rank == 0 {
            Vec::new()
        } else {
            vec![self.raw.count as u64]
        }
    }

    /// The numbers; nothing when they are of another element type.
    pub fn as_slice<T: Element>(&self) -> Option<&'v [T]> {
        if self.raw.element != T::ELEMENT {
            return None;
        }
        if self.raw.count == 0 {
            return Some(&[]);
        }
        Some(unsafe { std::slice::from_raw_parts(self.raw.data.cast(), self.raw.count) })
    }

    /// A copy, converted: of any element type.
    pub fn to_f64(&self) -> Result<Vec<f64>> {
        fn copy<T: Element>(numbers: &Numbers<'_>) -> Option<Vec<f64>> {
            Some(numbers.as_slice::<T>()?.iter().map(|number| number.to_f64()).collect())
        }
        if self.raw.element == BRIDGE_BOOL {
            let flags = Numbers { raw: bridge_numbers { element: BRIDGE_UINT8, ..self.raw }, ..*self };
            return flags.to_f64();
        }
        copy::<f64>(self)
            .or_else(|| copy::<f32>(self))
            .or_else(|| copy::<i64>(self))
            .or_else(|| copy::<i32>(self))
            .or_else(|| copy::<i16>(self))
            .or_else(|| copy::<i8>(self))
            .or_else(|| copy::<u64>(self))
            .or_else(|| copy::<u32>(self))
            .or_else(|| copy::<u16>(self))
            .or_else(|| copy::<u8>(self))
            .ok_or_else(|| {
                Error::new(Code::Unimplemented, "the numbers are of a type that is not known")
            })
    }
}

impl<'v> FromValue<'v> for Numbers<'v> {
    fn from_value(value: Value<'v>) -> Result<Numbers<'v>> {
        value.expect(&[Type::EMBEDDING, Type::TENSOR], "embedding or tensor")?;
        Ok(Numbers { raw: unsafe { value.raw.as_.numbers }, lifetime: PhantomData })
    }
}

fn numbers_value<'v>(type_: Type, data: &'v [f64], shape: *const u64, rank: usize) -> Value<'v> {
    let numbers = bridge_numbers {
        data: data.as_ptr().cast(),
        count: data.len(),
        element: BRIDGE_FLOAT64,
        rank: rank as u32,
        shape,
    };
    Value::of(type_, bridge_value_as { numbers })
}

impl ToValue for Vec<f64> {
    const TYPE: Type = Type::EMBEDDING;
    fn to_value(&self) -> Value<'_> {
        numbers_value(Self::TYPE, self, std::ptr::null(), 1)
    }
}

impl FromValue<'_> for Vec<f64> {
    fn from_value(value: Value<'_>) -> Result<Vec<f64>> {
        Numbers::from_value(value)?.to_f64()
    }
}

/// Numbers with a shape. As a result they are given to the host without a copy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensor {
    /// Row-major.
    pub numbers: Vec<f64>,
    /// Lengths, outermost first.
    pub shape: Vec<u64>,
}

impl ToValue for Tensor {
    const TYPE: Type = Type::TENSOR;
    fn to_value(&self) -> Value<'_> {
        numbers_value(Self::TYPE, &self.numbers, self.shape.as_ptr(), self.shape.len())
    }
}

impl FromValue<'_> for Tensor {
    fn from_value(value: Value<'_>) -> Result<Tensor> {
        let numbers = Numbers::from_value(value)?;
        Ok(Tensor { numbers: numbers.to_f64()?, shape: numbers.shape() })
    }
}
