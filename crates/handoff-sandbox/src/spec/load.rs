//! Reads the description files of a folder into operations, once in a process for each folder.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::operation::{Body, Operation, Parameter, Template, area};
use super::schema::{Components, Source};
use super::{Description, Dialect, SpecError};

/// The methods that a path item may describe.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Azure DevOps' files under `azure-devops`.
pub(super) fn azure(folder: &Path) -> Result<Description, SpecError> {
    let folder = folder.join("azure-devops");
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).map_err(read_error(&folder))? {
        let path = entry.map_err(read_error(&folder))?.path();
        if path.extension() == Some(OsStr::new("json")) {
            paths.push(path);
        }
    }
    paths.sort();
    let mut operations = Vec::new();
    for path in paths {
        operations.extend(swagger_operations(read(&path)?));
    }
    described(&folder, Dialect::AzureDevOps, operations)
}

/// Discord's file `discord/openapi.json`.
pub(super) fn discord(folder: &Path) -> Result<Description, SpecError> {
    let path = folder.join("discord").join("openapi.json");
    let operations = openapi_operations(read(&path)?);
    described(&path, Dialect::Discord, operations)
}

fn described(path: &Path, dialect: Dialect, operations: Vec<Operation>) -> Result<Description, SpecError> {
    if operations.is_empty() {
        return Err(SpecError::Empty { path: path.to_path_buf() });
    }
    Ok(Description { dialect, operations })
}

fn read_error(path: &Path) -> impl FnOnce(std::io::Error) -> SpecError {
    let path: PathBuf = path.to_path_buf();
    move |source| SpecError::Read { path, source }
}

fn read(path: &Path) -> Result<Value, SpecError> {
    let bytes = fs::read(path).map_err(read_error(path))?;
    let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    serde_json::from_slice(json).map_err(|source| SpecError::Parse { path: path.to_path_buf(), source })
}

/// Swagger 2.0: body parameters, definitions, and Microsoft's `x-ms-paths` for templates with a query.
fn swagger_operations(mut document: Value) -> Vec<Operation> {
    let schemas = take_object(&mut document, "definitions");
    let shared = take_object(&mut document, "parameters");
    let components =
        Arc::new(Components::new(Source { prefix: "#/definitions/", dialect: Dialect::AzureDevOps }, schemas));
    let mut operations = Vec::new();
    for key in ["paths", "x-ms-paths"] {
        for (path, item) in take_object(&mut document, key) {
            for (method, operation) in methods(&item) {
                let parameters: Vec<&Value> = parameters(&item, operation)
                    .filter_map(|parameter| match parameter.get("$ref").and_then(Value::as_str) {
                        Some(reference) => shared.get(reference.rsplit('/').next()?),
                        None => Some(parameter),
                    })
                    .collect();
                let body = parameters.iter().find(|parameter| parameter["in"] == "body").map(|parameter| Body {
                    required: parameter["required"] == true,
                    content_types: consumes(operation),
                    schema: components.request(parameter["schema"].clone()),
                });
                let query = query_parameters(parameters.iter().copied(), &components, |parameter| parameter.clone());
                let responses = responses(operation, |response| response.get("schema"), &components);
                for template in Template::with_and_without_project(&path) {
                    operations.push(Operation {
                        method: method.to_owned(),
                        area: area(&path).map(str::to_owned),
                        template,
                        path_parameters: Vec::new(),
                        query: query.clone(),
                        body: body.clone(),
                        responses: responses.clone(),
                    });
                }
            }
        }
    }
    operations
}

/// OpenAPI 3.1: request bodies by content type, parameters with schemas.
fn openapi_operations(mut document: Value) -> Vec<Operation> {
    let schemas =
        document.get_mut("components").map(|components| take_object(components, "schemas")).unwrap_or_default();
    let components =
        Arc::new(Components::new(Source { prefix: "#/components/schemas/", dialect: Dialect::Discord }, schemas));
    let mut operations = Vec::new();
    for (path, item) in take_object(&mut document, "paths") {
        for (method, operation) in methods(&item) {
            let body = operation.get("requestBody").map(|body| {
                let content = body["content"].as_object();
                Body {
                    required: body["required"] == true,
                    content_types: content.map(|content| content.keys().cloned().collect()).unwrap_or_default(),
                    schema: components.request(body["content"]["application/json"]["schema"].clone()),
                }
            });
            let schema = |parameter: &Value| parameter["schema"].clone();
            let path_parameters = parameters(&item, operation)
                .filter(|parameter| parameter["in"] == "path")
                .filter_map(|parameter| Parameter::new(parameter, &components, schema(parameter)))
                .collect();
            operations.push(Operation {
                method: method.to_owned(),
                area: None,
                template: Template::parse(&path),
                path_parameters,
                query: query_parameters(parameters(&item, operation), &components, schema),
                body,
                responses: responses(
                    operation,
                    |response| response.get("content")?.get("application/json")?.get("schema"),
                    &components,
                ),
            });
        }
    }
    operations
}

fn take_object(value: &mut Value, key: &str) -> Map<String, Value> {
    match value.get_mut(key).map(Value::take) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn methods(item: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    METHODS.into_iter().filter_map(|method| Some((method, item.get(method)?)))
}

fn parameters<'a>(item: &'a Value, operation: &'a Value) -> impl Iterator<Item = &'a Value> {
    [item, operation].into_iter().filter_map(|holder| holder.get("parameters")?.as_array()).flatten()
}

fn query_parameters<'a>(
    parameters: impl Iterator<Item = &'a Value>,
    components: &Arc<Components>,
    schema: impl Fn(&Value) -> Value,
) -> Vec<Parameter> {
    parameters
        .filter(|parameter| parameter["in"] == "query")
        .filter_map(|parameter| Parameter::new(parameter, components, schema(parameter)))
        .collect()
}

fn consumes(operation: &Value) -> Vec<String> {
    operation["consumes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|content_type| content_type.as_str().map(str::to_owned))
        .collect()
}

fn responses(
    operation: &Value,
    schema: impl Fn(&Value) -> Option<&Value>,
    components: &Arc<Components>,
) -> Vec<(String, Arc<super::schema::Check>)> {
    operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(status, response)| Some((status.clone(), components.response(schema(response)?.clone()))))
        .collect()
}
