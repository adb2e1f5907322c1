// The service's REST API: what back ends, tools, identity services and edge hubs ask of the cloud hub over HTTPS.
//
// handle() is the handler of net::serve_http. One request: api-version, authentication, route, permission, answer.
//
// Runs on: the hub's loop. Bounded: the body by the server's settings, long polls by kWaitMax.
// Wire: docs/wire/service-rest.md, docs/wire/event-read.md, docs/wire/c2d.md, docs/wire/file-upload.md.
#pragma once

#include <chrono>
#include <string>

#include "async/time_source.h"
#include "base/json.h"
#include "base/random.h"
#include "cloud/auth/authenticator.h"
#include "cloud/authorities/authorities.h"
#include "cloud/c2d/feedback_queue.h"
#include "cloud/c2d/mailboxes.h"
#include "cloud/files/container.h"
#include "cloud/files/notifications.h"
#include "cloud/methods/direct_methods.h"
#include "cloud/registry/registry.h"
#include "cloud/service_http/error_map.h"
#include "cloud/sessions/session_table.h"
#include "cloud/telemetry/event_log.h"
#include "cloud/twins/twins.h"
#include "net/http.h"

namespace selvage::cloud::service_http {

using async::Awaitable;

// The longest a reader of events may wait for the next one.
inline constexpr std::chrono::seconds kWaitMax{60};

struct Parts {
    async::TimeSource& time;
    Random& random;
    auth::Authenticator& authenticator;
    authorities::Authorities& authorities;
    registry::Registry& registry;
    twins::Twins& twins;
    methods::DirectMethods& methods;
    c2d::Mailboxes& mailboxes;
    c2d::FeedbackQueue& feedback;
    telemetry::EventLog& events;
    sessions::SessionTable& sessions;
    files::Container* files = nullptr;  // null: this hub takes no files
    files::FileNotifications* file_notifications = nullptr;  // the same
};

class Service {
public:
    explicit Service(Parts parts) : parts_(parts) {}

    Awaitable<net::HttpResponse> handle(net::HttpRequest request);

private:
    // One request on its way through the routes.
    struct Call {
        std::string method;  // "GET", …
        net::HttpTarget target;
        net::HttpHeaders headers;
        std::string body;
        registry::IfMatch if_match;
        auth::Caller caller;
        Subject subject = Subject::device;
    };
    using Answer = Awaitable<Result<net::HttpResponse>>;

    Answer route(Call call);
    Answer devices(Call call);        // /devices, /devices/{id}
    Answer modules(Call call);        // /devices/{id}/modules[/{mid}]
    Answer configuration(Call call);  // /devices/{id}/applyConfigurationContent
    Answer twins(Call call);          // /twins/{id}[/modules/{mid}]
    Answer methods(Call call);        // …/methods
    Answer statistics(Call call);
    Answer send_to_device(Call call);  // /selvage/devices/{id}/messages/devicebound
    Answer purge(Call call);           // /devices/{id}/commands
    Answer feedback(Call call);        // /messages/serviceBound/feedback…
    Answer file_notifications(Call call);  // /messages/serviceBound/filenotifications…
    Answer files(Call call);               // /selvage/files[/{device}/{name}]
    Answer certificates(Call call);        // /selvage/certificates…
    Answer certificate(Call call);
    Answer events(Call call);  // /selvage/events[/partitions]
    Answer read_events(Call call);
    Answer partitions(Call call);
    Answer edge(Call call);  // /devices/{actor}/modules/$edgeHub/…
    Answer scope_page(Call call);
    Answer scope_page_older(Call call);
    Answer one_on_behalf(std::string target_device, std::string target_module);
    Answer module_on_behalf(Call call, JsonObject body);

    Parts parts_;
};

}  // namespace selvage::cloud::service_http
