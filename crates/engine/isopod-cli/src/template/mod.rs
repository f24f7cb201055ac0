//! Go templates, as far as `--format` needs them: fields, pipelines, variables, `if`, `range`,
//! `with`, and the functions that docker adds (`json`, `join`, `upper`, `table` columns ...).
//!
//! Sans-IO: a template is parsed once and rendered against [`Value`]s.

mod eval;
mod functions;
mod lex;
mod parse;
mod value;

pub(crate) use value::Value;

use parse::Node;

/// A parsed template.
#[derive(Debug)]
pub(crate) struct Template {
    nodes: Vec<Node>,
    source: String,
}

/// Why a template cannot be parsed or rendered, in the words of Go's package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: :{0}")]
pub(crate) struct TemplateError(String);

/// How values are looked at while rendering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As they are; a field that does not exist is an error.
    Data,
    /// The values are column titles: functions such as `json` and `upper` leave them alone.
    Titles,
}

impl Template {
    /// Parses `source`.
    pub(crate) fn parse(source: &str) -> Result<Self, TemplateError> {
        let tokens = lex::lex(source)?;
        let nodes = parse::parse(tokens)?;
        Ok(Self { nodes, source: source.to_owned() })
    }

    /// Renders it against `data`, which `type_name` names in errors.
    pub(crate) fn render(
        &self,
        data: &Value,
        type_name: &str,
        mode: Mode,
    ) -> Result<String, TemplateError> {
        eval::render(&self.nodes, &self.source, data, type_name, mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, data: &str, expected: &str) {
        let data: Value = serde_json::from_str(data).expect("test data is JSON");
        let rendered = match Template::parse(source) {
            Ok(template) => {
                template.render(&data, "", Mode::Data).unwrap_or_else(|error| error.to_string())
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(rendered, expected, "{source}");
    }

    #[test]
    fn fields_and_text() {
        check("a{{.A}}b", r#"{"A":1}"#, "a1b");
        check("{{.A.B.C}}", r#"{"A":{"B":{"C":"x"}}}"#, "x");
        check("{{ .A }} {{- .A -}} z", r#"{"A":true}"#, "truetruez");
        check("{{.}}", r#"{"b":[1,"x",null],"a":2.5}"#, "map[a:2.5 b:[1 x <nil>]]");
        check("{{/* note */}}x{{- /* note */ -}} y", "{}", "xy");
        check("{{.ID}}", r#"{"Id":"abc"}"#, "abc");
        check(
            "{{.A}} {{.Env}} {{.Labels}}",
            r#"{"A":null,"Env":null,"Labels":null}"#,
            "<no value> [] map[]",
        );
        check("{{.Time}}", r#"{"time":5}"#, "5");
        check("{{ `a\"b` }}{{\"\\t\"}}{{'a'}}", "{}", "a\"b\t97");
    }

    #[test]
    fn control() {
        let data = r#"{"L":["a","b"],"M":{"y":2,"x":1},"E":[],"T":true,"S":""}"#;
        check("{{range .L}}<{{.}}>{{end}}", data, "<a><b>");
        check("{{range $i, $e := .L}}{{$i}}={{$e}};{{end}}", data, "0=a;1=b;");
        check("{{range $k, $v := .M}}{{$k}}={{$v}};{{end}}", data, "x=1;y=2;");
        check("{{range .E}}x{{else}}none{{end}}", data, "none");
        check("{{range 3}}{{.}}{{end}}", data, "012");
        check("{{range .L}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}", data, "a");
        check("{{range .L}}{{if eq . \"a\"}}{{continue}}{{end}}{{.}}{{end}}", data, "b");
        check("{{if .T}}y{{else}}n{{end}}{{if .S}}y{{else if .E}}e{{else}}n{{end}}", data, "yn");
        check("{{with .M}}{{.x}}{{end}}{{with .S}}s{{else}}empty{{end}}", data, "1empty");
        check("{{range .L}}{{$.T}}{{end}}", data, "truetrue");
        check("{{$x := 1}}{{if .T}}{{$x = 2}}{{end}}{{$x}}", data, "2");
        check("{{define \"t\"}}[{{.}}]{{end}}{{template \"t\" .T}}", data, "[true]");
    }

    #[test]
    fn functions() {
        let data = r#"{"L":["a","b"],"M":{"a.b":"v"},"N":5,"S":"hello world","Nothing":null}"#;
        check(
            "{{json .L}} {{json .S}} {{.M | json}}",
            data,
            r#"["a","b"] "hello world" {"a.b":"v"}"#,
        );
        check("{{join .L \", \"}}", data, "a, b");
        check("{{index .M \"a.b\"}} {{index .L 1}} {{(index .L 0)}}", data, "v b a");
        check("{{index .M \"none\"}}|{{index .Nothing \"x\"}}", data, "|");
        check("{{len .L}} {{len .S}}", data, "2 11");
        check("{{upper .S}} {{lower \"X\"}} {{title .S}}", data, "HELLO WORLD x Hello World");
        check("{{truncate .S 5}}{{pad .N 1 2}}{{println .N .S}}", data, "hello 5  5 hello world\n");
        check(
            "{{printf \"%s-%d-%v-%q-%05d-%-4s|%x\" .S 3 .L \"q\" 42 \"ab\" 255}}",
            data,
            "hello world-3-[a b]-\"q\"-00042-ab  |ff",
        );
        check(
            "{{split \"a:b\" \":\"}} {{slice .S 0 5}} {{print 1 2 \"x\"}}",
            data,
            "[a b] hello 1 2x",
        );
        check("{{if and (gt .N 3) (lt .N 9) (ne .N 4)}}in{{end}}", data, "in");
        check(
            "{{eq .N 1 2 5}} {{not .N}} {{or 0 \"\" \"z\"}} {{and 1 \"\"}}|",
            data,
            "true false z |",
        );
        check("{{.S | printf \"%s!\" | upper}}", data, "HELLO WORLD!");
        check("{{html \"<a>\"}} {{urlquery \"a b\"}} {{js \"'\"}}", data, "&lt;a&gt; a+b \\'");
    }

    #[test]
    fn errors_are_in_gos_words() {
        check("{{.ID", "{}", "template: :1: unclosed action");
        check("{{foo .ID}}", "{}", "template: :1: function \"foo\" not defined");
        check("{{if .A}}x", "{}", "template: :1: unexpected EOF");
        check("{{end}}", "{}", "template: :1: unexpected {{end}}");
        check("{{$x}}", "{}", "template: :1: undefined variable \"$x\"");
        check(
            "{{.Foo}}",
            r#"{"A":1}"#,
            "template: :1:2: executing \"\" at <.Foo>: map has no entry for key \"Foo\"",
        );
        check(
            "{{.A.B}}",
            r#"{"A":1}"#,
            "template: :1:4: executing \"\" at <.A.B>: can't evaluate field B in type int",
        );
        check(
            "{{index .A 5}}",
            r#"{"A":[1]}"#,
            "template: :1:2: executing \"\" at <index .A 5>: error calling index: index out of range: 5",
        );
        check("{{\"a}}", "{}", "template: :1: unterminated quoted string");
    }

    #[test]
    fn runaway_templates_end() {
        check(
            "{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}",
            "{}",
            "template: :1:16: executing \"t\" at <{{template \"t\"}}>: exceeded maximum template depth (200)",
        );
    }
}
