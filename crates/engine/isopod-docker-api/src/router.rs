//! The table of routes.

use crate::call::{Call, Reply};
use crate::error::ApiResult;
use crate::extension;
use crate::routes::{
    build, containers, exec, images, networks, plugins, sockets, streams, swarm, system, volumes,
};
use http::Method;
use isopod_engine::Permission;
use std::future::Future;
use std::pin::Pin;

/// A handler. Its future is boxed so that one table holds them all.
pub(crate) type Handler = fn(Call) -> Pin<Box<dyn Future<Output = ApiResult<Reply>> + Send>>;

/// A method, a pattern with at most one `{name}` (which may contain slashes), a handler, and what
/// a limited socket makes of it.
type Route = (Method, &'static str, Handler, Rule);

/// What a limited socket makes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Everybody may ask that.
    Open,
    /// Nobody may on a limited socket.
    Closed,
    /// It needs a permission, and concerns no object that could be out of reach.
    Plain(Permission),
    /// It concerns all objects, so that it is for sockets without labels only.
    Whole(Permission),
    /// It concerns those objects that pass its filters, to which the socket's labels are added.
    Filtered(Permission),
    /// It concerns the container in the path.
    Container(Permission),
    /// It concerns the exec session in the path.
    Exec(Permission),
    /// It concerns the image in the path.
    Image(Permission),
    /// It concerns the network in the path.
    Network(Permission),
    /// It concerns the volume in the path.
    Volume(Permission),
    /// What it concerns is in its body or its parameters: its handler looks after that.
    Confined(Permission),
}

macro_rules! routes {
    ($($method:ident $pattern:literal $handler:path => $rule:expr;)*) => {{
        use Permission as P;
        use Rule::{
            Closed, Confined, Container, Exec, Filtered, Image, Network, Open, Plain, Volume, Whole,
        };
        &[$((Method::$method, $pattern, |call| Box::pin($handler(call)), $rule),)*]
    }};
}

/// Tried in order: a fixed path stands before a pattern that would match it too.
const ROUTES: &[Route] = routes! {
    GET "/_ping" system::ping => Open;
    HEAD "/_ping" system::ping => Open;
    GET "/version" system::version => Open;
    GET "/info" system::info => Plain(P::SystemInfo);
    GET "/events" system::events => Filtered(P::ContainersList);
    GET "/system/df" system::disk_usage => Whole(P::SystemDf);
    POST "/auth" system::auth => Plain(P::ImagesPull);
    GET "/distribution/{name}/json" system::distribution => Plain(P::ImagesPull);

    GET "/isopod/sockets" sockets::list => Closed;
    POST "/isopod/sockets/create" sockets::create => Closed;
    GET "/isopod/sockets/{name}" sockets::inspect => Closed;
    DELETE "/isopod/sockets/{name}" sockets::remove => Closed;
    POST "/isopod/{name}" extension::start => Closed;

    GET "/containers/json" containers::list => Filtered(P::ContainersList);
    POST "/containers/create" containers::create => Confined(P::ContainersCreate);
    POST "/containers/prune" containers::prune => Filtered(P::ContainersRemove);
    POST "/commit" containers::commit => Confined(P::ImagesCommit);
    GET "/containers/{name}/attach/ws" streams::attach_websocket => Container(P::ContainersAttach);
    GET "/containers/{name}/json" containers::inspect => Container(P::ContainersRead);
    GET "/containers/{name}/top" containers::top => Container(P::ContainersRead);
    GET "/containers/{name}/changes" containers::changes => Container(P::ContainersRead);
    GET "/containers/{name}/export" streams::export => Container(P::ContainersCopy);
    GET "/containers/{name}/logs" streams::logs => Container(P::ContainersRead);
    GET "/containers/{name}/stats" streams::stats => Container(P::ContainersRead);
    POST "/containers/{name}/start" containers::start => Container(P::ContainersStart);
    POST "/containers/{name}/stop" containers::stop => Container(P::ContainersStop);
    POST "/containers/{name}/restart" containers::restart => Container(P::ContainersStart);
    POST "/containers/{name}/kill" containers::kill => Container(P::ContainersStop);
    POST "/containers/{name}/pause" containers::pause => Container(P::ContainersStop);
    POST "/containers/{name}/unpause" containers::unpause => Container(P::ContainersStop);
    POST "/containers/{name}/rename" containers::rename => Container(P::ContainersUpdate);
    POST "/containers/{name}/update" containers::update => Container(P::ContainersUpdate);
    POST "/containers/{name}/resize" containers::resize => Container(P::ContainersAttach);
    POST "/containers/{name}/wait" streams::wait => Container(P::ContainersRead);
    POST "/containers/{name}/attach" streams::attach => Container(P::ContainersAttach);
    HEAD "/containers/{name}/archive" streams::stat_path => Container(P::ContainersCopy);
    GET "/containers/{name}/archive" streams::get_archive => Container(P::ContainersCopy);
    PUT "/containers/{name}/archive" streams::put_archive => Container(P::ContainersCopy);
    DELETE "/containers/{name}" containers::remove => Container(P::ContainersRemove);

    POST "/containers/{name}/exec" exec::create => Container(P::ContainersExec);
    POST "/exec/{name}/start" exec::start => Exec(P::ContainersExec);
    POST "/exec/{name}/resize" exec::resize => Exec(P::ContainersExec);
    GET "/exec/{name}/json" exec::inspect => Exec(P::ContainersExec);

    GET "/images/json" images::list => Filtered(P::ImagesList);
    GET "/images/search" images::search => Plain(P::ImagesPull);
    GET "/images/get" images::save => Confined(P::ImagesSave);
    POST "/images/load" images::load => Whole(P::ImagesLoad);
    POST "/images/create" images::create => Confined(P::ImagesPull);
    POST "/images/prune" images::prune => Filtered(P::ImagesRemove);
    GET "/images/{name}/get" images::save => Image(P::ImagesSave);
    GET "/images/{name}/json" images::inspect => Image(P::ImagesRead);
    GET "/images/{name}/history" images::history => Image(P::ImagesRead);
    POST "/images/{name}/push" images::push => Confined(P::ImagesPush);
    POST "/images/{name}/tag" images::tag => Image(P::ImagesTag);
    DELETE "/images/{name}" images::remove => Image(P::ImagesRemove);
    POST "/build" build::build => Confined(P::ImagesBuild);
    POST "/build/prune" build::prune => Whole(P::ImagesRemove);
    POST "/build/cancel" build::cancel => Closed;
    POST "/session" images::buildkit => Closed;
    POST "/grpc" images::buildkit => Closed;

    GET "/volumes" volumes::list => Filtered(P::VolumesList);
    POST "/volumes/create" volumes::create => Confined(P::VolumesCreate);
    POST "/volumes/prune" volumes::prune => Filtered(P::VolumesRemove);
    GET "/volumes/{name}" volumes::inspect => Volume(P::VolumesRead);
    PUT "/volumes/{name}" volumes::update => Closed;
    DELETE "/volumes/{name}" volumes::remove => Volume(P::VolumesRemove);

    GET "/networks" networks::list => Filtered(P::NetworksList);
    GET "/networks/" networks::list => Filtered(P::NetworksList);
    POST "/networks/create" networks::create => Confined(P::NetworksCreate);
    POST "/networks/prune" networks::prune => Filtered(P::NetworksRemove);
    GET "/networks/{name}" networks::inspect => Network(P::NetworksRead);
    DELETE "/networks/{name}" networks::remove => Network(P::NetworksRemove);
    POST "/networks/{name}/connect" networks::connect => Network(P::NetworksConnect);
    POST "/networks/{name}/disconnect" networks::disconnect => Network(P::NetworksConnect);

    GET "/plugins" plugins::list => Closed;
    GET "/plugins/privileges" plugins::refuse => Closed;
    POST "/plugins/pull" plugins::refuse => Closed;
    POST "/plugins/create" plugins::refuse => Closed;
    GET "/plugins/{name}/json" plugins::missing => Closed;
    DELETE "/plugins/{name}" plugins::missing => Closed;
    POST "/plugins/{name}/enable" plugins::missing => Closed;
    POST "/plugins/{name}/disable" plugins::missing => Closed;
    POST "/plugins/{name}/push" plugins::missing => Closed;
    POST "/plugins/{name}/upgrade" plugins::missing => Closed;
    POST "/plugins/{name}/set" plugins::missing => Closed;

    POST "/swarm/init" swarm::unsupported => Closed;
    POST "/swarm/join" swarm::unsupported => Closed;
    POST "/swarm/leave" swarm::not_member => Closed;
    GET "/swarm" swarm::not_manager => Closed;
    POST "/swarm/update" swarm::not_manager => Closed;
    GET "/swarm/unlockkey" swarm::not_manager => Closed;
    POST "/swarm/unlock" swarm::not_manager => Closed;
    GET "/services" swarm::not_manager => Closed;
    POST "/services/create" swarm::not_manager => Closed;
    GET "/services/{name}/logs" swarm::not_manager => Closed;
    GET "/services/{name}" swarm::not_manager => Closed;
    POST "/services/{name}/update" swarm::not_manager => Closed;
    DELETE "/services/{name}" swarm::not_manager => Closed;
    GET "/nodes" swarm::not_manager => Closed;
    GET "/nodes/{name}" swarm::not_manager => Closed;
    POST "/nodes/{name}/update" swarm::not_manager => Closed;
    DELETE "/nodes/{name}" swarm::not_manager => Closed;
    GET "/tasks" swarm::not_manager => Closed;
    GET "/tasks/{name}/logs" swarm::not_manager => Closed;
    GET "/tasks/{name}" swarm::not_manager => Closed;
    GET "/secrets" swarm::not_manager => Closed;
    POST "/secrets/create" swarm::not_manager => Closed;
    GET "/secrets/{name}" swarm::not_manager => Closed;
    POST "/secrets/{name}/update" swarm::not_manager => Closed;
    DELETE "/secrets/{name}" swarm::not_manager => Closed;
    GET "/configs" swarm::not_manager => Closed;
    POST "/configs/create" swarm::not_manager => Closed;
    GET "/configs/{name}" swarm::not_manager => Closed;
    POST "/configs/{name}/update" swarm::not_manager => Closed;
    DELETE "/configs/{name}" swarm::not_manager => Closed;
};

/// The handler of a request, its rule, and what its `{name}` stands for.
pub(crate) fn find<'a>(method: &Method, path: &'a str) -> Option<(Handler, Rule, &'a str)> {
    ROUTES.iter().filter(|(route_method, ..)| route_method == method).find_map(
        |(_, pattern, handler, rule)| matched(pattern, path).map(|name| (*handler, *rule, name)),
    )
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
        for (index, (method, pattern, ..)) in ROUTES.iter().enumerate() {
            for (later_method, later, ..) in &ROUTES[index + 1..] {
                let hides = method == later_method && matched(pattern, later).is_some();
                assert!(!hides, "{pattern} hides {later}");
            }
        }
    }

    #[test]
    fn what_names_an_object_is_looked_up() {
        for (method, pattern, _, rule) in ROUTES {
            let by_name = match pattern.split('/').nth(1) {
                Some("containers") => matches!(rule, Rule::Container(_)),
                Some("exec") => matches!(rule, Rule::Exec(_)),
                Some("images") => matches!(rule, Rule::Image(_) | Rule::Confined(_)),
                Some("networks") => matches!(rule, Rule::Network(_)),
                Some("volumes") => matches!(rule, Rule::Volume(_) | Rule::Closed),
                Some("distribution") => *rule == Rule::Plain(Permission::ImagesPull),
                _ => *rule == Rule::Closed,
            };
            assert!(by_name || !pattern.contains("{name}"), "{method} {pattern}: {rule:?}");
        }
    }

    #[test]
    fn requests_find_their_handlers() {
        let name = |method: Method, path| find(&method, path).map(|(.., name)| name);
        assert_eq!(name(Method::DELETE, "/images/reg:5000/a/b"), Some("reg:5000/a/b"));
        assert_eq!(name(Method::GET, "/containers/x/attach/ws"), Some("x"));
        assert_eq!(name(Method::POST, "/containers/json"), None);
        assert_eq!(name(Method::HEAD, "/_ping"), Some(""));
        assert_eq!(name(Method::GET, "/nope"), None);
    }
}
