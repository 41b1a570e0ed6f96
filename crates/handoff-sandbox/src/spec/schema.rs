//! Turns described schemas into validators, each built when it is first needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::Dialect;

/// Where the named schemas of a document live, and whose rules they follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    /// What a reference to a named schema begins with.
    pub(super) prefix: &'static str,
    pub(super) dialect: Dialect,
}

/// The named schemas of one document.
#[derive(Debug)]
pub(super) struct Components {
    source: Source,
    schemas: Map<String, Value>,
}

/// What a schema is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// A request: what is not described is a mistake of the caller.
    Request,
    /// A response: services answer more than they describe.
    Response,
    Parameter,
}

/// A schema and, once it was needed, its validator.
pub(super) struct Check {
    components: Arc<Components>,
    schema: Value,
    purpose: Use,
    validator: OnceLock<Result<Validator, String>>,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

impl Components {
    pub(super) fn new(source: Source, schemas: Map<String, Value>) -> Self {
        Self { source, schemas }
    }

    pub(super) fn request(self: &Arc<Self>, schema: Value) -> Arc<Check> {
        self.check(schema, Use::Request)
    }

    pub(super) fn response(self: &Arc<Self>, schema: Value) -> Arc<Check> {
        let is_list = self.source.dialect == Dialect::AzureDevOps && schema["type"] == "array";
        let schema = if is_list {
            json!({"type": "object", "required": ["value"], "properties": {"count": {"type": "integer"}, "value": schema}})
        } else {
            schema
        };
        self.check(schema, Use::Response)
    }

    /// In Swagger a parameter is its own schema; what is no keyword of a schema is left out.
    pub(super) fn parameter(self: &Arc<Self>, schema: Value) -> Arc<Check> {
        let schema = match schema {
            Value::Object(map) => {
                map.into_iter().filter(|(key, _)| !matches!(key.as_str(), "required" | "name" | "in")).collect()
            }
            other => other,
        };
        self.check(schema, Use::Parameter)
    }

    fn check(self: &Arc<Self>, schema: Value, purpose: Use) -> Arc<Check> {
        Arc::new(Check { components: Arc::clone(self), schema, purpose, validator: OnceLock::new() })
    }

    /// The named schemas that `schema` needs, directly or not.
    fn needed_by(&self, schema: &Value) -> BTreeMap<&str, Value> {
        let mut needed = BTreeMap::new();
        let mut open = self.names_in(schema);
        while let Some(name) = open.pop() {
            let Some((name, schema)) = self.schemas.get_key_value(&name) else {
                continue;
            };
            if needed.insert(name.as_str(), schema.clone()).is_none() {
                open.extend(self.names_in(schema));
            }
        }
        needed
    }

    fn names_in(&self, schema: &Value) -> Vec<String> {
        match schema {
            Value::Object(map) => map
                .iter()
                .flat_map(|(key, value)| match value {
                    Value::String(reference) if key == "$ref" => {
                        reference.strip_prefix(self.source.prefix).map(str::to_owned).into_iter().collect()
                    }
                    value => self.names_in(value),
                })
                .collect(),
            Value::Array(list) => list.iter().flat_map(|value| self.names_in(value)).collect(),
            _ => Vec::new(),
        }
    }

    fn compile(&self, schema: &Value, purpose: Use) -> Result<Validator, String> {
        let mut schema = schema.clone();
        let mut needed = self.needed_by(&schema);
        let bases = self.bases(needed.values());
        if self.source.dialect == Dialect::AzureDevOps {
            needed.values_mut().chain([&mut schema]).for_each(loosen);
        }
        if purpose == Use::Request {
            for (name, schema) in &mut needed {
                if !bases.contains(*name) {
                    close(schema);
                }
            }
            close(&mut schema);
        }
        let mut root = json!({ "allOf": [schema] });
        let mut holder = &mut root;
        for key in self.source.prefix.trim_matches(['#', '/']).split('/') {
            holder = &mut holder[key];
        }
        *holder = needed.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(self.source.dialect == Dialect::Discord)
            .should_ignore_unknown_formats(true)
            .offline()
            .build(&root)
            .map_err(|error| format!("the description cannot be compiled: {error}"))
    }

    /// The names that others extend by `allOf`: they may not be closed to further properties.
    fn bases<'a>(&self, schemas: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
        schemas.filter_map(|schema| schema.get("allOf")).flat_map(|all_of| self.names_in(all_of)).collect()
    }
}

impl Check {
    /// What is wrong with `value`, without repeating it.
    pub(super) fn violations(&self, value: &Value) -> Vec<String> {
        let validator = self.validator.get_or_init(|| self.components.compile(&self.schema, self.purpose));
        match validator {
            Ok(validator) => validator
                .iter_errors(value)
                .map(|error| format!("at \"{}\": {}", error.instance_path(), error.masked()))
                .collect(),
            Err(error) => vec![error.clone()],
        }
    }
}

/// Visits a schema and every schema inside it, the inner ones first.
fn visit(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    let Value::Object(map) = schema else {
        return;
    };
    for key in ["properties", "patternProperties"] {
        if let Some(Value::Object(properties)) = map.get_mut(key) {
            properties.values_mut().for_each(|property| visit(property, change));
        }
    }
    for key in ["items", "additionalProperties", "not"] {
        if let Some(inner) = map.get_mut(key) {
            visit(inner, change);
        }
    }
    for key in ["allOf", "anyOf", "oneOf", "prefixItems"] {
        if let Some(Value::Array(list)) = map.get_mut(key) {
            list.iter_mut().for_each(|inner| visit(inner, change));
        }
    }
    change(map);
}

/// Makes Azure DevOps' Swagger agree with the service: a bare `object` is any value, null is allowed
/// everywhere, a type that extends a list is one (the patch document), enumerations are read without
/// regard to case, and `probationRetries` is a number.
fn loosen(schema: &mut Value) {
    visit(schema, &mut |map| {
        if let Some(Value::Object(properties)) = map.get_mut("properties")
            && let Some(retries) = properties.get_mut("probationRetries")
        {
            *retries = json!({ "type": ["integer", "string", "null"] });
        }
        let extends_a_list = map
            .get("allOf")
            .and_then(Value::as_array)
            .is_some_and(|bases| bases.iter().any(|base| base.get("items").is_some()));
        let is_bare = ["properties", "additionalProperties", "allOf"].iter().all(|key| map.get(*key).is_none());
        if extends_a_list {
            map.remove("type");
            map.remove("properties");
        } else if map.get("type").is_some_and(|kind| kind == "object") && is_bare {
            map.remove("type");
        }
        if let Some(Value::String(kind)) = map.get("type").cloned() {
            map.insert("type".to_owned(), json!([kind, "null"]));
        }
        if let Some(Value::Array(values)) = map.get_mut("enum") {
            let spellings: Vec<Value> = values.iter().filter_map(Value::as_str).flat_map(spellings).collect();
            values.extend(spellings);
            values.push(Value::Null);
            let unique: BTreeMap<String, Value> = values.drain(..).map(|value| (value.to_string(), value)).collect();
            values.extend(unique.into_values());
        }
    });
}

fn spellings(value: &str) -> [Value; 2] {
    let mut letters = value.chars();
    let capitalised: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    [Value::String(value.to_lowercase()), Value::String(capitalised)]
}

/// Forbids properties that are not described, so that a misspelt one is found.
fn close(schema: &mut Value) {
    visit(schema, &mut |map| {
        let is_plain_object = map.get("properties").and_then(Value::as_object).is_some_and(|p| !p.is_empty());
        let is_open = ["additionalProperties", "allOf", "anyOf", "oneOf"].iter().any(|key| map.contains_key(*key));
        if is_plain_object && !is_open {
            map.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    });
}
