//! The table of routes.

use crate::call::{Call, Reply};
use crate::error::ApiResult;
use crate::extension;
use crate::routes::{
    build, containers, exec, images, networks, plugins, streams, swarm, system, volumes,
};
use http::Method;
use std::future::Future;
use std::pin::Pin;

/// A handler. Its future is boxed so that one table holds them all.
pub(crate) type Handler = fn(Call) -> Pin<Box<dyn Future<Output = ApiResult<Reply>> + Send>>;

/// A method, a pattern with at most one `{name}` (which may contain slashes), a handler.
type Route = (Method, &'static str, Handler);

macro_rules! routes {
    ($($method:ident $pattern:literal $handler:path;)*) => {
        &[$((Method::$method, $pattern, |call| Box::pin($handler(call))),)*]
    };
}

/// Tried in order: a fixed path stands before a pattern that would match it too.
const ROUTES: &[Route] = routes! {
    GET "/_ping" system::ping;
    HEAD "/_ping" system::ping;
    GET "/version" system::version;
    GET "/info" system::info;
    GET "/events" system::events;
    GET "/system/df" system::disk_usage;
    POST "/auth" system::auth;
    GET "/distribution/{name}/json" system::distribution;

    POST "/isopod/{name}" extension::start;

    GET "/containers/json" containers::list;
    POST "/containers/create" containers::create;
    POST "/containers/prune" containers::prune;
    POST "/commit" containers::commit;
    GET "/containers/{name}/attach/ws" streams::attach_websocket;
    GET "/containers/{name}/json" containers::inspect;
    GET "/containers/{name}/top" containers::top;
    GET "/containers/{name}/changes" containers::changes;
    GET "/containers/{name}/export" streams::export;
    GET "/containers/{name}/logs" streams::logs;
    GET "/containers/{name}/stats" streams::stats;
    POST "/containers/{name}/start" containers::start;
    POST "/containers/{name}/stop" containers::stop;
    POST "/containers/{name}/restart" containers::restart;
    POST "/containers/{name}/kill" containers::kill;
    POST "/containers/{name}/pause" containers::pause;
    POST "/containers/{name}/unpause" containers::unpause;
    POST "/containers/{name}/rename" containers::rename;
    POST "/containers/{name}/update" containers::update;
    POST "/containers/{name}/resize" containers::resize;
    POST "/containers/{name}/wait" streams::wait;
    POST "/containers/{name}/attach" streams::attach;
    HEAD "/containers/{name}/archive" streams::stat_path;
    GET "/containers/{name}/archive" streams::get_archive;
    PUT "/containers/{name}/archive" streams::put_archive;
    DELETE "/containers/{name}" containers::remove;

    POST "/containers/{name}/exec" exec::create;
    POST "/exec/{name}/start" exec::start;
    POST "/exec/{name}/resize" exec::resize;
    GET "/exec/{name}/json" exec::inspect;

    GET "/images/json" images::list;
    GET "/images/search" images::search;
    GET "/images/get" images::save;
    POST "/images/load" images::load;
    POST "/images/create" images::create;
    POST "/images/prune" images::prune;
    GET "/images/{name}/get" images::save;
    GET "/images/{name}/json" images::inspect;
    GET "/images/{name}/history" images::history;
    POST "/images/{name}/push" images::push;
    POST "/images/{name}/tag" images::tag;
    DELETE "/images/{name}" images::remove;
    POST "/build" build::build;
    POST "/build/prune" build::prune;
    POST "/build/cancel" build::cancel;
    POST "/session" images::buildkit;
    POST "/grpc" images::buildkit;

    GET "/volumes" volumes::list;
    POST "/volumes/create" volumes::create;
    POST "/volumes/prune" volumes::prune;
    GET "/volumes/{name}" volumes::inspect;
    PUT "/volumes/{name}" volumes::update;
    DELETE "/volumes/{name}" volumes::remove;

    GET "/networks" networks::list;
    GET "/networks/" networks::list;
    POST "/networks/create" networks::create;
    POST "/networks/prune" networks::prune;
    GET "/networks/{name}" networks::inspect;
    DELETE "/networks/{name}" networks::remove;
    POST "/networks/{name}/connect" networks::connect;
    POST "/networks/{name}/disconnect" networks::disconnect;

    GET "/plugins" plugins::list;
    GET "/plugins/privileges" plugins::refuse;
    POST "/plugins/pull" plugins::refuse;
    POST "/plugins/create" plugins::refuse;
    GET "/plugins/{name}/json" plugins::missing;
    DELETE "/plugins/{name}" plugins::missing;
    POST "/plugins/{name}/enable" plugins::missing;
    POST "/plugins/{name}/disable" plugins::missing;
    POST "/plugins/{name}/push" plugins::missing;
    POST "/plugins/{name}/upgrade" plugins::missing;
    POST "/plugins/{name}/set" plugins::missing;

    POST "/swarm/init" swarm::unsupported;
    POST "/swarm/join" swarm::unsupported;
    POST "/swarm/leave" swarm::not_member;
    GET "/swarm" swarm::not_manager;
    POST "/swarm/update" swarm::not_manager;
    GET "/swarm/unlockkey" swarm::not_manager;
    POST "/swarm/unlock" swarm::not_manager;
    GET "/services" swarm::not_manager;
    POST "/services/create" swarm::not_manager;
    GET "/services/{name}/logs" swarm::not_manager;
    GET "/services/{name}" swarm::not_manager;
    POST "/services/{name}/update" swarm::not_manager;
    DELETE "/services/{name}" swarm::not_manager;
    GET "/nodes" swarm::not_manager;
    GET "/nodes/{name}" swarm::not_manager;
    POST "/nodes/{name}/update" swarm::not_manager;
    DELETE "/nodes/{name}" swarm::not_manager;
    GET "/tasks" swarm::not_manager;
    GET "/tasks/{name}/logs" swarm::not_manager;
    GET "/tasks/{name}" swarm::not_manager;
    GET "/secrets" swarm::not_manager;
    POST "/secrets/create" swarm::not_manager;
    GET "/secrets/{name}" swarm::not_manager;
    POST "/secrets/{name}/update" swarm::not_manager;
    DELETE "/secrets/{name}" swarm::not_manager;
    GET "/configs" swarm::not_manager;
    POST "/configs/create" swarm::not_manager;
    GET "/configs/{name}" swarm::not_manager;
    POST "/configs/{name}/update" swarm::not_manager;
    DELETE "/configs/{name}" swarm::not_manager;
};

/// The handler of a request and what its `{name}` stands for.
pub(crate) fn find<'a>(method: &Method, path: &'a str) -> Option<(Handler, &'a str)> {
    ROUTES
        .iter()
        .filter(|(route_method, ..)| route_method == method)
        .find_map(|(_, pattern, handler)| matched(pattern, path).map(|name| (*handler, name)))
}

/// What `{name}` stands for, or nothing for a fixed path.
fn matched<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, after)) = pattern.split_once("{name}") else {
        return (pattern == path).then_some("");
    };
    path.strip_prefix(before)?.strip_suffix(after).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert_eq!(matched("/images/{name}/json", "/images/a/b:c/json"), Some("a/b:c"));
        assert_eq!(matched("/images/{name}/json", "/images/json"), None);
        assert_eq!(matched("/images/{name}/json", "/images//json"), None);
        assert_eq!(matched("/volumes", "/volumes"), Some(""));
        assert_eq!(matched("/volumes/{name}", "/volumes/"), None);
    }

    #[test]
    fn the_table_is_ordered() {
        // A pattern must not stand before a fixed path of the same method that it matches.
        for (index, (method, pattern, _)) in ROUTES.iter().enumerate() {
            for (later_method, later, _) in &ROUTES[index + 1..] {
                let hides = method == later_method && matched(pattern, later).is_some();
                assert!(!hides, "{pattern} hides {later}");
            }
        }
    }

    #[test]
    fn requests_find_their_handlers() {
        let name = |method: Method, path| find(&method, path).map(|(_, name)| name);
        assert_eq!(name(Method::DELETE, "/images/reg:5000/a/b"), Some("reg:5000/a/b"));
        assert_eq!(name(Method::GET, "/containers/x/attach/ws"), Some("x"));
        assert_eq!(name(Method::POST, "/containers/json"), None);
        assert_eq!(name(Method::HEAD, "/_ping"), Some(""));
        assert_eq!(name(Method::GET, "/nope"), None);
    }
}
