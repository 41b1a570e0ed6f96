//! One described operation: its path template, its parameters, its bodies.

use std::sync::Arc;

use serde_json::Value;
use url::form_urlencoded;

use super::schema::{Check, Components};
use super::{Dialect, parse};

/// An operation as described, ready to be compared with a request or an answer.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: String,
    /// The segment behind `_apis`, where there is one.
    pub(super) area: Option<String>,
    pub(super) template: Template,
    pub(super) path_parameters: Vec<Parameter>,
    pub(super) query: Vec<Parameter>,
    pub(super) body: Option<Body>,
    pub(super) responses: Vec<(String, Arc<Check>)>,
}

/// What an operation says of its request body.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) required: bool,
    pub(super) content_types: Vec<String>,
    pub(super) schema: Arc<Check>,
}

/// A parameter in the path or the query.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    name: String,
    required: bool,
    schema: Arc<Check>,
}

impl Parameter {
    /// `None` for a parameter without a name.
    pub(super) fn new(parameter: &Value, components: &Arc<Components>, schema: Value) -> Option<Self> {
        Some(Self {
            name: parameter.get("name")?.as_str()?.to_owned(),
            required: parameter["required"] == true,
            schema: components.parameter(schema),
        })
    }

    /// A parameter is text on the wire; it passes as text, as the number or boolean that it spells, or
    /// as a list of one.
    fn accepts(&self, text: &str) -> bool {
        let as_text = Value::String(text.to_owned());
        let as_scalar =
            serde_json::from_str::<Value>(text).ok().filter(|value| value.is_number() || value.is_boolean());
        let as_list = Value::Array(vec![as_text.clone()]);
        [Some(as_text), as_scalar, Some(as_list)].iter().flatten().any(|value| self.schema.violations(value).is_empty())
    }
}

impl Operation {
    pub(super) fn check_request(
        &self,
        dialect: Dialect,
        path: &str,
        query: Option<&str>,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<(), Vec<String>> {
        let mut violations = self.path_violations(path);
        violations.extend(self.query_violations(query.unwrap_or_default()));
        violations.extend(self.body_violations(dialect, content_type, body));
        if violations.is_empty() { Ok(()) } else { Err(violations) }
    }

    fn path_violations(&self, path: &str) -> Vec<String> {
        let values = self.template.values(path);
        self.path_parameters
            .iter()
            .filter_map(|parameter| {
                let (_, value) = values.iter().find(|(name, _)| *name == parameter.name)?;
                (!parameter.accepts(value)).then(|| format!("{} in the path is not as described", parameter.name))
            })
            .collect()
    }

    fn query_violations(&self, query: &str) -> Vec<String> {
        let given: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut violations = Vec::new();
        for (name, value) in &given {
            match self.query.iter().find(|known| known.name.eq_ignore_ascii_case(name)) {
                None => violations.push(format!("{name} is no query parameter of the operation")),
                Some(parameter) if !parameter.accepts(value) => {
                    violations.push(format!("{name} in the query is not as described"));
                }
                Some(_) => {}
            }
        }
        for parameter in self.query.iter().filter(|parameter| parameter.required) {
            if !given.iter().any(|(name, _)| name.eq_ignore_ascii_case(&parameter.name)) {
                violations.push(format!("{} is missing in the query", parameter.name));
            }
        }
        violations
    }

    fn body_violations(&self, dialect: Dialect, content_type: Option<&str>, body: &[u8]) -> Vec<String> {
        let Some(described) = &self.body else {
            // Clients may send `{}` or nothing where nothing is read.
            return if body.is_empty() || body == b"{}" {
                Vec::new()
            } else {
                vec!["the operation takes no body".to_owned()]
            };
        };
        if body.is_empty() {
            return if described.required { vec!["the body is missing".to_owned()] } else { Vec::new() };
        }
        let essence = content_type
            .and_then(|content_type| content_type.split(';').next())
            .map(|essence| essence.trim().to_ascii_lowercase())
            .unwrap_or_default();
        if !described.content_types.contains(&essence) {
            return vec![format!(
                "the content type is \"{essence}\", described are {}",
                described.content_types.join(", ")
            )];
        }
        if dialect == Dialect::Discord && essence != "application/json" {
            // Forms and multipart bodies are described too; only their JSON twin is compared.
            return Vec::new();
        }
        match parse(body) {
            Ok(value) => described.schema.violations(&value),
            Err(violations) => violations,
        }
    }

    pub(super) fn check_response(&self, dialect: Dialect, status: u16, body: &[u8]) -> Result<(), Vec<String>> {
        // Discord's description requires `code` in a 429; its documentation makes it optional, and wins.
        if dialect == Dialect::Discord && status == 429 {
            return Ok(());
        }
        let exact = status.to_string();
        let class = format!("{}XX", status / 100);
        let described =
            [exact, class].iter().find_map(|wanted| self.responses.iter().find(|(known, _)| known == wanted));
        let Some((_, schema)) = described else {
            return Ok(());
        };
        let violations = schema.violations(&parse(body)?);
        if violations.is_empty() { Ok(()) } else { Err(violations) }
    }
}

/// A path template such as `/channels/{channel_id}/messages`. Literals compare without regard to case,
/// as Azure DevOps does.
#[derive(Clone, Debug)]
pub(super) struct Template {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
enum Segment {
    Literal(String),
    /// A parameter, with what stands before it in the segment (`$` in `${type}`).
    Parameter {
        before: String,
        name: String,
    },
}

impl Template {
    pub(super) fn parse(template: &str) -> Self {
        let path = template.split('?').next().unwrap_or_default();
        let segments = segments(path)
            .map(|segment| match segment.split_once('{') {
                Some((before, rest)) => {
                    Segment::Parameter { before: before.to_owned(), name: rest.trim_end_matches('}').to_owned() }
                }
                None => Segment::Literal(segment.to_owned()),
            })
            .collect();
        Self { segments }
    }

    /// Azure DevOps answers what is described below a project also without the project.
    pub(super) fn with_and_without_project(template: &str) -> Vec<Self> {
        const PROJECT: &str = "/{project}/_apis/";
        let mut templates = vec![Self::parse(template)];
        if template.contains(PROJECT) {
            templates.push(Self::parse(&template.replacen(PROJECT, "/_apis/", 1)));
        }
        templates
    }

    /// How many literal segments fit, if all of the path does.
    pub(super) fn fit(&self, path: &str) -> Option<usize> {
        let mut given = segments(path);
        let mut literals = 0;
        for segment in &self.segments {
            let given = given.next()?;
            match segment {
                Segment::Literal(literal) if literal.eq_ignore_ascii_case(given) => literals += 1,
                Segment::Literal(_) => return None,
                Segment::Parameter { before, .. } => {
                    given.strip_prefix(before.as_str())?;
                }
            }
        }
        given.next().is_none().then_some(literals)
    }

    /// The parameters' values in `path`, whose end fits the template.
    fn values<'a>(&self, path: &'a str) -> Vec<(String, &'a str)> {
        let given: Vec<&str> = segments(path).collect();
        let skipped = given.len().saturating_sub(self.segments.len());
        self.segments
            .iter()
            .zip(given.into_iter().skip(skipped))
            .filter_map(|(segment, value)| match segment {
                Segment::Literal(_) => None,
                Segment::Parameter { before, name } => Some((name.clone(), value.strip_prefix(before.as_str())?)),
            })
            .collect()
    }
}

/// The segment behind `_apis` in a path or a template.
pub(super) fn area(path: &str) -> Option<&str> {
    let mut segments = segments(path);
    segments.find(|segment| segment.eq_ignore_ascii_case("_apis"))?;
    segments.next()
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}
