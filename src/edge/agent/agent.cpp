#include "edge/agent/agent.h"

#include "async/deadline.h"
#include "base/encoding.h"
#include "base/log.h"
#include "domain/twin.h"

namespace selvage::edge::agent {
namespace {

std::string message_payload(std::string_view text) { return to_text(JsonObject{{"message", text}}); }

// The event is set, or the time is over.
async::Awaitable<> wait_for(async::Event& event, async::TimeSource& time, Duration at_most) {
    (void)co_await async::run_for(time, at_most, event.wait());
    event.reset();
}

device_client::Handlers handlers(Agent& agent, async::Event& twin_wanted, DeploymentSource& source, async::Event& pass_wanted) {
    device_client::Handlers h;
    h.on_state = [&](device_client::LinkState state, const Error* why) {
        if (state == device_client::LinkState::connected) {
            log::info("agent.hub", "connected");
            twin_wanted.set();
        } else if (why != nullptr) {
            log::warn("agent.hub", "not connected: {}", why->detail);
        }
    };
    h.on_desired = [&](std::int64_t version, std::string patch) {
        if (source.take_patch(version, patch)) pass_wanted.set();
        else twin_wanted.set();
    };
    h.on_method = [&](domain::MethodRequest request) { return agent.on_method(std::move(request)); };
    return h;
}

}  // namespace

Agent::Agent(async::Executor loop, async::TimeSource& time, Random& random, management::ManagementClient& daemon,
             DeploymentSource& source, HubAccess hub, AgentEnvironment environment, AgentSettings settings)
    : loop_(loop), time_(time), daemon_(daemon), source_(source), settings_(std::move(settings)), tasks_(loop),
      pass_wanted_(loop), twin_wanted_(loop), report_wanted_(loop),
      reconciler_(loop, time, random, daemon, std::move(environment), settings_.restarts, [this] { pass_wanted_.set(); }),
      client_(loop, time, random, hub.dialer, hub.tokens, std::move(hub.client),
              handlers(*this, twin_wanted_, source_, pass_wanted_)) {}

Agent::~Agent() = default;

void Agent::start() {
    client_.start();
    tasks_.spawn("keep modules", keep_modules());
    tasks_.spawn("keep twin", keep_twin());
    tasks_.spawn("keep reporting", keep_reporting());
}

async::Awaitable<> Agent::stop() {
    co_await tasks_.stop();
    co_await reconciler_.stop();
    if (reported_ && client_.state() == device_client::LinkState::connected) {
        status_.code = 406;
        status_.description = "Agent is not running";
        JsonObject last = document();
        for (const char* section : {"modules", "systemModules"})
            for (auto& module : last[section].get_object()) module.value().get_object()["runtimeStatus"] = "unknown";
        auto sent = co_await async::with_deadline(time_, std::chrono::seconds(3),
                                                  client_.patch_reported(to_text(domain::difference(*reported_, last))));
        if (!sent) log::warn("agent.report", "the last report was not taken: {}", sent.error().detail);
    }
    co_await client_.stop();
}

async::Awaitable<> Agent::keep_modules() {
    co_await source_.load_copy();
    while (!tasks_.stopping()) {
        // Before the work: a successor of this process, or one after a power cut, goes on with what is wanted now. With an older
        // copy it would first put the older agent back into its place.
        if (auto saved = co_await source_.save_copy(); !saved)
            log::warn("agent.backup", "not written, will be tried again: {}", saved.error().detail);
        const manifest::Deployment* deployment = source_.deployment();
        const std::int64_t version = source_.deployment_version();
        auto passed = co_await reconciler_.pass(deployment, version);
        if (!passed && passed.error().detail != pass_error_)
            log::warn("agent.pass", "{}", passed.error().detail);
        pass_error_ = passed ? std::string() : passed.error().detail;
        if (passed && deployment != nullptr && reconciler_.pending().empty()) status_.last_desired_version = version;
        report_wanted_.set();
        co_await wait_for(pass_wanted_, time_, settings_.pass_pause);
    }
}

async::Awaitable<> Agent::keep_twin() {
    while (!tasks_.stopping()) {
        co_await wait_for(twin_wanted_, time_, settings_.twin_refresh);
        if (tasks_.stopping()) co_return;
        if (!co_await client_.connected()) co_return;
        co_await fetch_twin();
    }
}

async::Awaitable<> Agent::fetch_twin() {
    auto document = co_await client_.get_twin();
    if (!document) {
        log::warn("agent.twin", "not obtained: {}", document.error().detail);
        // Asked again soon, or at the next connection.
        (void)co_await time_.sleep_for(std::chrono::seconds(5));
        if (client_.state() == device_client::LinkState::connected) twin_wanted_.set();
        co_return;
    }
    const auto parsed = parse_json_object(*document);
    if (parsed)
        if (const JsonObject* reported = find_object(*parsed, "reported")) reported_ = domain::without_read_only(*reported);
    if (auto taken = source_.take_twin(*document); !taken) {
        log::warn("agent.twin", "not understood: {}", taken.error().detail);
        co_return;
    }
    log::info("agent.twin", "obtained, deployment version={}", source_.deployment_version());
    pass_wanted_.set();
    report_wanted_.set();
}

JsonObject Agent::document() {
    return reported_document(source_.deployment(), reconciler_.modules(source_.deployment()), status_, settings_.platform);
}

async::Awaitable<> Agent::keep_reporting() {
    while (!tasks_.stopping()) {
        co_await wait_for(report_wanted_, time_, std::chrono::hours(1));
        if (tasks_.stopping()) co_return;
        if (!reported_ || client_.state() != device_client::LinkState::connected) continue;
        const auto errors = reconciler_.errors();
        if (const auto& refusal = source_.refusal()) {
            status_.code = static_cast<int>(refusal->code);
            status_.description = refusal->description;
        } else if (!pass_error_.empty()) {
            status_.code = 500;
            status_.description = pass_error_;
        } else if (!errors.empty()) {
            status_.code = 500;
            status_.description = "One or more errors occurred.";
            for (const auto& error : errors) status_.description += fmt::format(" ({})", error);
        } else if (!reconciler_.pending().empty()) {
            status_.code = 406;
            status_.description = fmt::format("Applying deployment {}", source_.deployment_version());
        } else {
            status_.code = 200;
            status_.description.clear();
        }
        // One string value of a twin holds 4096 bytes.
        if (status_.description.size() > 4000) status_.description.resize(4000);
        const JsonObject now = document();
        const JsonObject patch = domain::difference(*reported_, now);
        if (patch.empty()) continue;
        auto taken = co_await client_.patch_reported(to_text(patch));
        if (taken) {
            reported_ = now;
            continue;
        }
        log::warn("agent.report", "not taken: {}", taken.error().detail);
        // The hub may have taken it all the same: compare with what it has.
        reported_.reset();
        (void)co_await time_.sleep_for(std::chrono::seconds(5));
        twin_wanted_.set();
    }
}

async::Awaitable<domain::MethodResponse> Agent::on_method(domain::MethodRequest request) {
    const std::string name = to_lower(request.name);
    if (name == "ping") co_return domain::MethodResponse{200, ""};
    if (name == "restartmodule") co_return co_await restart_module(request.payload);
    co_return domain::MethodResponse{
        400, message_payload(fmt::format("Command '{}' not found. The supported commands are - ping,RestartModule", request.name))};
}

async::Awaitable<domain::MethodResponse> Agent::restart_module(const std::string& payload) {
    const auto parsed = payload.empty() ? Result<JsonObject>(fail(Errc::malformed, "")) : parse_json_object(payload);
    if (payload.empty()) co_return domain::MethodResponse{400, message_payload("Request payload not found")};
    const std::string reason = !parsed ? parsed.error().detail
                               : find_text(*parsed, "schemaVersion").empty() ? "schemaVersion is required"
                               : find_text(*parsed, "id").empty()            ? "id is required"
                                                                             : "";
    if (!reason.empty())
        co_return domain::MethodResponse{400,
                                         message_payload("Error parsing command payload because of error - " + reason)};
    const std::string version(find_text(*parsed, "schemaVersion"));
    if (version != "1" && !version.starts_with("1."))
        co_return domain::MethodResponse{
            500, message_payload(fmt::format(
                     "The restart module request schema version {} is not compatible with the expected version 1.0", version))};
    const std::string id(find_text(*parsed, "id"));
    if (!reconciler_.has_container(id))
        co_return domain::MethodResponse{500,
                                         message_payload(fmt::format("Module {} not found in the current environment", id))};
    auto restarted = co_await daemon_.restart_module(id);
    if (!restarted) co_return domain::MethodResponse{500, message_payload(restarted.error().detail)};
    pass_wanted_.set();
    co_return domain::MethodResponse{200, ""};
}

}  // namespace selvage::edge::agent
