// A request's way: path, api-version, credentials, and what the resource wants.
#include "heads/http/http_head.h"

#include <fmt/core.h>

#include "async/deadline.h"
#include "async/event.h"
#include "base/encoding.h"
#include "base/log.h"
#include "heads/http/c2d_locks.h"
#include "heads/http/error_map.h"
#include "heads/http/file_uploads.h"
#include "heads/http/message_headers.h"
#include "heads/http/route.h"

namespace selvage::heads::http {

using hub_api::Feed;
using hub_api::Outcome;
using net::HttpRequest;
using net::HttpResponse;

namespace {

using Answer = Awaitable<Result<HttpResponse>>;

HttpResponse done() {
    HttpResponse response;
    response.status = 204;
    return response;
}

// Answers to the messages of one request, which may outlive it.
struct Pending {
    Pending(async::Executor loop, std::size_t count) : left(count), answered(std::move(loop)) {}
    std::size_t left;
    Result<> outcome;                 // the first failure
    async::Event answered;
};

std::string_view unquoted(std::string_view text) {
    text = trim(text);
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
    return text;
}

std::span<const ErrorRow> rows_of(Resource resource) {
    if (resource == Resource::files) return begin_upload_rows();
    return resource == Resource::file_outcome ? end_upload_rows() : std::span<const ErrorRow>();
}

}  // namespace

struct HttpHead::Impl {
    Impl(async::Executor executor, hub_api::Hub& its_hub, async::TimeSource& its_time, Random& its_random, HttpHeadSettings s,
         hub_api::FileUploads* its_files)
        : loop(std::move(executor)), hub(its_hub), time(its_time), random(its_random), settings(s), files(its_files),
          locks(its_time, its_random, s) {}

    // The answer to a request whose path is in order. Errors: by the table.
    Answer serve(HttpRequest request, Route route, bool reject);
    Answer events(HttpRequest request, hub_api::Grant grant);
    Answer receive(HttpRequest request, hub_api::Grant grant);
    Answer begin_upload(Route route, HttpRequest request);
    Answer end_upload(Route route, HttpRequest request);
    Awaitable<Result<hub_api::Grant>> authenticate(const HttpRequest& request, domain::Identity identity);
    Awaitable<Result<std::unique_ptr<hub_api::DeviceSession>>> open(const HttpRequest& request, hub_api::Grant grant,
                                                                    std::weak_ptr<hub_api::DeviceSink> sink);

    async::Executor loop;
    hub_api::Hub& hub;
    async::TimeSource& time;
    Random& random;
    HttpHeadSettings settings;
    hub_api::FileUploads* files;
    C2dLocks locks;
};

HttpHead::HttpHead(async::Executor loop, hub_api::Hub& hub, async::TimeSource& time, Random& random, HttpHeadSettings settings,
                   hub_api::FileUploads* files)
    : impl_(std::make_unique<Impl>(std::move(loop), hub, time, random, settings, files)) {}
HttpHead::~HttpHead() = default;

bool HttpHead::takes(std::string_view target) {
    const auto parsed = net::parse_target(target);
    return parsed && route_of(*parsed);
}

Awaitable<HttpResponse> HttpHead::handle(HttpRequest request) {
    auto& impl = *impl_;
    const auto refuse = [&impl](const HttpError& error, std::string_view text) {
        return error_response(error, text, impl.time, impl.random);
    };
    const auto target = net::parse_target(request.target);
    auto route = target ? route_of(*target) : std::nullopt;
    if (!route) co_return refuse(http_error(Errc::not_found), "no such resource");
    const auto* version = target->get("api-version");
    if (version == nullptr || version->empty()) co_return refuse(kBadApiVersion, "give a query parameter api-version");

    const std::string what = fmt::format("{} {}", request.method, request.target.substr(0, request.target.find('?')));
    const std::string peer = request.peer != nullptr ? request.peer->peer() : std::string();
    const auto special = rows_of(route->resource);
    auto answer = co_await impl.serve(std::move(request), *std::move(route), target->get("reject") != nullptr);
    if (answer) co_return *std::move(answer);
    const Error& error = answer.error();
    const auto status = http_error(error.code, special).status;
    log::at(status >= 500 ? log::Level::warn : log::Level::info, "http.request", "refused {} peer={} reason={}: {}",
            what.substr(0, 300), peer, name(error.code), error.detail);
    co_return error_response(error, impl.time, impl.random, special);
}

Answer HttpHead::Impl::serve(HttpRequest request, Route route, bool reject) {
    SELVAGE_CO_CHECK(domain::check_device_id(route.identity.device));
    if (route.identity.is_module()) {
        SELVAGE_CO_CHECK(domain::check_module_id(route.identity.module));
    }
    SELVAGE_CO_TRY(auto grant, co_await authenticate(request, route.identity));
    const auto wrong_method = [](std::string_view allowed) {
        return fail(Errc::unsupported, fmt::format("this path takes {}", allowed));
    };
    switch (route.resource) {
        case Resource::events:
            if (request.method != "POST") co_return wrong_method("POST");
            co_return co_await events(std::move(request), std::move(grant));
        case Resource::devicebound:
            if (request.method != "GET") co_return wrong_method("GET");
            co_return co_await receive(std::move(request), std::move(grant));
        case Resource::locked:
        case Resource::abandon: {
            const bool abandon = route.resource == Resource::abandon;
            if (request.method != (abandon ? "POST" : "DELETE")) co_return wrong_method(abandon ? "POST" : "DELETE");
            const auto match = unquoted(request.headers.get("If-Match"));
            if (!match.empty() && match != "*" && !equals_ignoring_case(match, route.lock_token))
                co_return fail(Errc::precondition_failed, "If-Match is not the lock token of the path");
            const auto outcome = abandon ? Outcome::abandoned : reject ? Outcome::rejected : Outcome::completed;
            SELVAGE_CO_CHECK(locks.settle(route.identity, route.lock_token, outcome));
            co_return done();
        }
        case Resource::files:
        case Resource::file_outcome:
            if (files == nullptr) {
                co_return error_response(kNoFileStorage, "no storage is configured for file uploads", time, random);
            }
            if (request.method != "POST") co_return wrong_method("POST");
            if (route.resource == Resource::files) co_return co_await begin_upload(std::move(route), std::move(request));
            co_return co_await end_upload(std::move(route), std::move(request));
        case Resource::unknown: break;
    }
    co_return fail(Errc::not_found, "no such resource");
}

Awaitable<Result<hub_api::Grant>> HttpHead::Impl::authenticate(const HttpRequest& request, domain::Identity identity) {
    hub_api::Credentials credentials{.identity = std::move(identity),
                                     .sas_token = std::string(request.headers.get("Authorization")),
                                     .certificate_chain_pem = {},
                                     .auth_chain = {}};
    if (credentials.sas_token.empty() && request.peer != nullptr)
        credentials.certificate_chain_pem = request.peer->peer_certificates();
    co_return co_await async::with_deadline(time, settings.hub_timeout, hub.authenticate(std::move(credentials)));
}

Awaitable<Result<std::unique_ptr<hub_api::DeviceSession>>> HttpHead::Impl::open(const HttpRequest& request, hub_api::Grant grant,
                                                                                std::weak_ptr<hub_api::DeviceSink> sink) {
    hub_api::ConnectionInfo info{.protocol = "https",
                                 .remote_address = request.peer != nullptr ? request.peer->peer() : std::string(),
                                 .product_info = std::string(request.headers.get("User-Agent")),
                                 .model_id = {},
                                 .transient = true};
    co_return co_await async::with_deadline(time, settings.hub_timeout,
                                            hub.open(std::move(grant), std::move(info), std::move(sink)));
}

Answer HttpHead::Impl::events(HttpRequest request, hub_api::Grant grant) {
    std::vector<domain::Message> messages;
    const auto type = request.headers.get("Content-Type");
    if (equals_ignoring_case(trim(type.substr(0, type.find(';'))), kBatchContentType)) {
        SELVAGE_CO_TRY(messages, read_batch(request.body));
    } else {
        SELVAGE_CO_TRY(auto message, read_properties(request.headers));
        message.body = std::move(request.body);
        messages.push_back(std::move(message));
    }
    if (messages.empty()) co_return done();
    SELVAGE_CO_TRY(const auto session, co_await open(request, std::move(grant), {}));
    const auto pending = std::make_shared<Pending>(loop, messages.size());
    for (auto& message : messages) {
        session->send_telemetry(std::move(message), [pending](const Result<>& stored) {
            if (!stored && pending->outcome) pending->outcome = stored;
            if (--pending->left == 0) pending->answered.set();
        });
    }
    if (!co_await async::run_for(time, settings.hub_timeout, pending->answered.wait()))
        co_return fail(Errc::timeout, "the hub did not confirm the telemetry in time");
    SELVAGE_CO_CHECK(std::move(pending->outcome));
    co_return done();
}

Answer HttpHead::Impl::receive(HttpRequest request, hub_api::Grant grant) {
    SELVAGE_CO_CHECK(locks.check_room());
    const auto identity = grant.identity;
    const auto receiver = std::make_shared<C2dReceiver>();
    SELVAGE_CO_TRY(auto session, co_await open(request, std::move(grant), receiver));
    session->set_window(Feed::c2d, 1);
    SELVAGE_CO_CHECK(co_await async::with_deadline(time, settings.hub_timeout, session->subscribe(Feed::c2d, true)));
    session->set_window(Feed::c2d, 0);
    if (!receiver->received) co_return done();
    auto& [token, feed, delivery_count, message] = *receiver->received;
    message.set(domain::SystemProperty::delivery_count, std::to_string(delivery_count));
    const auto lock_token = locks.keep(identity, *receiver->received, std::move(session));
    HttpResponse response;
    write_properties(message, lock_token, response.headers);
    response.body = std::move(message.body);
    co_return response;
}

Answer HttpHead::Impl::begin_upload(Route route, HttpRequest request) {
    SELVAGE_CO_TRY(auto name, read_blob_name(request.body));
    auto beginning = files->begin_upload(route.identity.device, std::move(name));
    SELVAGE_CO_TRY(const auto place, co_await async::with_deadline(time, settings.hub_timeout, std::move(beginning)));
    co_return place_response(place);
}

Answer HttpHead::Impl::end_upload(Route route, HttpRequest request) {
    auto outcome = read_outcome(request.body, std::move(route.correlation_id));
    if (!outcome) co_return error_response(kBadFileOutcome, outcome.error().detail, time, random);
    auto ending = files->end_upload(route.identity.device, *std::move(outcome));
    SELVAGE_CO_CHECK(co_await async::with_deadline(time, settings.hub_timeout, std::move(ending)));
    co_return done();
}

}  // namespace selvage::heads::http
