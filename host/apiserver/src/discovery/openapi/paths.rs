//! The paths and what may be asked for there.

use serde_json::{Map, Value, json};

use super::schemas;
use crate::codec::{JSON, PROTOBUF};
use crate::patch;
use crate::resource::Definition;

/// What is asked for at a path, and what clients find out from it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    List,
    Create,
    DeleteCollection,
    Read,
    Replace,
    Patch,
    Delete,
}

/// Where a group's version begins: `api/v1` or `apis/<group>/<version>`.
pub(super) fn root(definition: &Definition) -> String {
    if definition.group.is_empty() {
        format!("api/{}", definition.version)
    } else {
        format!("apis/{}/{}", definition.group, definition.version)
    }
}

/// The paths of resources.
pub(super) fn of(definitions: &[&'static Definition]) -> Map<String, Value> {
    let mut paths = Map::new();
    for definition in definitions {
        let collection = collection(definition);
        let one = format!("{collection}/{{name}}");
        for part in definition.subresources {
            let operations = [Operation::Read, Operation::Replace, Operation::Patch];
            let path = format!("{one}/{}", part.as_str());
            paths.insert(path, item(definition, true, &operations));
        }
        if definition.is_virtual() {
            paths.insert(collection, item(definition, false, &[Operation::Create]));
            continue;
        }
        let all = [
            Operation::List,
            Operation::Create,
            Operation::DeleteCollection,
        ];
        paths.insert(collection, item(definition, false, &all));
        let named = [
            Operation::Read,
            Operation::Replace,
            Operation::Patch,
            Operation::Delete,
        ];
        paths.insert(one, item(definition, true, &named));
        if definition.is_namespaced() {
            let everywhere = format!("/{}/{}", root(definition), definition.plural);
            let list = operation(definition, Operation::List);
            paths.insert(everywhere, json!({ "get": list }));
        }
    }
    paths
}

fn collection(definition: &Definition) -> String {
    let root = root(definition);
    let plural = definition.plural;
    if definition.is_namespaced() {
        format!("/{root}/namespaces/{{namespace}}/{plural}")
    } else {
        format!("/{root}/{plural}")
    }
}

fn item(definition: &Definition, named: bool, operations: &[Operation]) -> Value {
    let mut parameters = Vec::new();
    if definition.is_namespaced() {
        parameters.push(in_path("namespace"));
    }
    if named {
        parameters.push(in_path("name"));
    }
    let mut item: Map<String, Value> = operations
        .iter()
        .map(|wanted| (wanted.method().to_owned(), operation(definition, *wanted)))
        .collect();
    if !parameters.is_empty() {
        item.insert("parameters".to_owned(), parameters.into());
    }
    Value::Object(item)
}

fn operation(definition: &Definition, operation: Operation) -> Value {
    let object = json!({"$ref": format!("{}{}", schemas::REFERENCE, schemas::name(definition))});
    let content = |media_types: &[&str]| -> Value {
        let content: Map<String, Value> = media_types
            .iter()
            .map(|media_type| ((*media_type).to_owned(), json!({"schema": object})))
            .collect();
        content.into()
    };
    let answered = json!({"200": {"description": "OK", "content": content(&[JSON, PROTOBUF])}});
    let mut document = json!({
        "responses": answered,
        "x-kubernetes-action": operation.action(),
        "x-kubernetes-group-version-kind": {
            "group": definition.group,
            "version": definition.version,
            "kind": definition.kind,
        },
    });
    let Value::Object(fields) = &mut document else {
        return document;
    };
    let parameters: Vec<Value> = operation
        .parameters()
        .iter()
        .map(|(name, kind)| json!({"name": name, "in": "query", "schema": {"type": kind}}))
        .collect();
    if !parameters.is_empty() {
        fields.insert("parameters".to_owned(), parameters.into());
    }
    let bodies: &[&str] = match operation {
        Operation::Create | Operation::Replace => &[JSON, PROTOBUF],
        Operation::Patch => patch::MEDIA_TYPES,
        _ => &[],
    };
    if !bodies.is_empty() {
        let body = json!({"content": content(bodies), "required": true});
        fields.insert("requestBody".to_owned(), body);
    }
    document
}

fn in_path(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
}

impl Operation {
    fn method(self) -> &'static str {
        match self {
            Self::List | Self::Read => "get",
            Self::Create => "post",
            Self::Replace => "put",
            Self::Patch => "patch",
            Self::Delete | Self::DeleteCollection => "delete",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Create => "post",
            Self::DeleteCollection => "deletecollection",
            Self::Read => "get",
            Self::Replace => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// The query's options, which clients look up before they use them.
    fn parameters(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::List => &[
                ("allowWatchBookmarks", "boolean"),
                ("continue", "string"),
                ("fieldSelector", "string"),
                ("labelSelector", "string"),
                ("limit", "integer"),
                ("resourceVersion", "string"),
                ("resourceVersionMatch", "string"),
                ("sendInitialEvents", "boolean"),
                ("timeoutSeconds", "integer"),
                ("watch", "boolean"),
            ],
            Self::Create | Self::Replace => &[
                ("dryRun", "string"),
                ("fieldManager", "string"),
                ("fieldValidation", "string"),
            ],
            Self::Patch => &[
                ("dryRun", "string"),
                ("fieldManager", "string"),
                ("fieldValidation", "string"),
                ("force", "boolean"),
            ],
            Self::Delete => &[("dryRun", "string")],
            Self::DeleteCollection => &[
                ("dryRun", "string"),
                ("fieldSelector", "string"),
                ("labelSelector", "string"),
            ],
            Self::Read => &[],
        }
    }
}
