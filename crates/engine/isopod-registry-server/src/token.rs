//! Where tokens are had: `GET` with basic credentials, or `POST` of an OAuth2 form, as docker and
//! others ask for them.

use http::{Method, header};
use http_body_util::{BodyExt, Limited};
use isopod_base::times::Timestamp;

use crate::api::{Api, ApiResult, Call, json, set};
use crate::auth::{TOKEN_LIFE, Who};
use crate::error::{ApiError, Code};
use crate::query::Query;
use crate::scope::Scope;

/// The largest form that is read.
const FORM_BYTES: usize = 64 << 10;

impl Api {
    /// `/v2/_token`
    pub(crate) async fn token(&self, call: Call) -> ApiResult {
        if !self.access.gives_tokens() {
            return Err(ApiError::new(Code::NotFound, "this registry gives no tokens"));
        }
        let (who, scopes) = match call.method {
            Method::GET => (self.access.user(&call.headers).await?, scopes(&call.query)),
            Method::POST => {
                let form = read_form(call).await?;
                (self.form_user(&form).await?, scopes(&form))
            }
            _ => return Err(ApiError::new(Code::Unsupported, "expected GET or POST")),
        };
        if who == Who::Anonymous && !self.access.anonymous() {
            return Err(self.access.challenge("authentication required", &[], ""));
        }
        let token = self.access.grant(&who, scopes);
        let mut response = json(
            &serde_json::json!({
                "token": token,
                "access_token": token,
                "expires_in": TOKEN_LIFE.as_secs(),
                "issued_at": Timestamp::now().rfc3339(),
            }),
            false,
        );
        set(&mut response, header::CACHE_CONTROL, "no-store");
        Ok(response)
    }

    async fn form_user(&self, form: &Query) -> Result<Who, ApiError> {
        match form.get("grant_type") {
            Some("password") => {
                let name = form.get("username").unwrap_or_default();
                let password = form.get("password").unwrap_or_default();
                if self.access.verify(name, password).await {
                    return Ok(Who::User(name.to_owned()));
                }
                Err(self.access.challenge("wrong user or password", &[], ""))
            }
            other => Err(ApiError::new(
                Code::Unsupported,
                format!("grant type {:?} is not supported: expected password", other.unwrap_or("")),
            )
            .status(http::StatusCode::BAD_REQUEST)),
        }
    }
}

fn scopes(query: &Query) -> Vec<Scope> {
    query.all("scope").take(64).flat_map(Scope::parse_all).collect()
}

async fn read_form(call: Call) -> Result<Query, ApiError> {
    let body = Limited::new(call.body, FORM_BYTES).collect().await.map_err(|_| {
        ApiError::new(Code::SizeInvalid, format!("expected a form of at most {FORM_BYTES} bytes"))
    })?;
    let text = String::from_utf8(body.to_bytes().to_vec())
        .map_err(|_| ApiError::new(Code::Unsupported, "the form is not valid UTF-8"))?;
    Query::parse(&text)
}
