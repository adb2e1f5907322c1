// What users of the cloud do and see: identities, the deployment, desired properties, methods, the event log.
#include <fmt/core.h>

#include <algorithm>

#include "base/encoding.h"
#include "domain/twin.h"
#include "simulation/world_parts.h"

namespace selvage::simulation {
namespace {

using namespace std::chrono_literals;
using domain::Identity;

JsonObject with_key(const std::string& name) {
    JsonObject keys;
    keys["primaryKey"] = key_of(name);
    keys["secondaryKey"] = key_of(name);
    JsonObject authentication;
    authentication["type"] = "sas";
    authentication["symmetricKey"] = std::move(keys);
    JsonObject body;
    body["authentication"] = std::move(authentication);
    return body;
}

constexpr const char* kDeployment = R"json({"modulesContent":{"$edgeHub":{"properties.desired":{
    "schemaVersion":"1.1",
    "routes":{"up":"FROM /messages/* INTO $upstream",
              "filter":"FROM /messages/modules/sensor/outputs/raw INTO BrokeredEndpoint(\"/modules/filter/inputs/in\")"},
    "storeAndForwardConfiguration":{"timeToLiveSecs":31536000}}}}})json";

}  // namespace

// ---- setting up --------------------------------------------------------------------------------------------------------

bool World::provision() {
    bool done = false;
    if (!cloud()) return false;
    cloud()->serve_back_end("provisioning", provision_all(done));
    schedule_.run_until(schedule_.now() + 5min, [&done] { return done; });
    if (!done) ledger_.violated("the fleet could not be set up");
    return done;
}

async::Awaitable<> World::provision_all(bool& done) {
    using cloud::registry::IfMatch;
    auto& registry = cloud()->registry();
    const auto check = [this](const auto& result, const std::string& what) {
        if (!result) ledger_.violated(what + ": " + result.error().detail);
    };
    std::map<std::string, std::string> scopes;
    for (const auto& edge : edges_) {
        auto body = with_key(edge->device);
        body["capabilities"] = JsonObject{{"iotEdge", true}};
        const auto made = co_await registry.put_device(edge->device, std::move(body), {});
        check(made, "edge device");
        if (!made) co_return;
        scopes[edge->machine->host()] = std::string(find_text(*made, "deviceScope"));
        auto hub = with_key(edge->device + "/$edgeHub");
        check(co_await registry.put_module(edge->device, "$edgeHub", std::move(hub), IfMatch::parse("*")), "$edgeHub");
        auto content = *parse_json_object(kDeployment);
        check(co_await cloud()->twins().apply_configuration(edge->device, std::move(content)), "deployment");
    }
    for (const auto& device : devices_) {
        const Identity& identity = device->identity();
        auto body = with_key(device->name());
        if (identity.is_module()) {
            check(co_await registry.put_module(identity.device, identity.module, std::move(body), {}), "module");
            continue;
        }
        if (const auto scope = scopes.find(device->host()); scope != scopes.end()) body["deviceScope"] = scope->second;
        check(co_await registry.put_device(identity.device, std::move(body), {}), "device");
    }
    done = true;
}

// ---- events ------------------------------------------------------------------------------------------------------------

void World::read_events() {
    repeated_before_ += events_.repeated;
    events_ = {};
    events_.name = fmt::format("events, run {}", cloud_->runs());
    checked_since_start_ = false;
    for (std::size_t i = 0; i < kPartitions; ++i) {
        read_to_[i] = 0;
        cloud()->serve_back_end("reader of events", read_partition(i, cloud_->runs()));
    }
    cloud()->serve_back_end("reader of feedback", read_feedback(cloud_->runs()));
}

// ---- feedback ----------------------------------------------------------------------------------------------------------

async::Awaitable<> World::read_feedback(std::uint64_t run) {
    for (;;) {
        if (!co_await schedule_.time().sleep_for(60s)) co_return;
        if (run != cloud_->runs() || !cloud()) co_return;
        const auto batch = co_await cloud()->feedback().receive();
        if (run != cloud_->runs() || !cloud()) co_return;
        if (!batch || !*batch) continue;
        const auto records = parse_json((*batch)->body);
        if (!records || !records->is_array()) {
            ledger_.violated("feedback that is no list");
            co_return;
        }
        for (const auto& record : records->get_array()) take_feedback(record.get_object());
        // Not completed: the same comes again, which is as good.
        const auto completed = co_await cloud()->feedback().complete((*batch)->lock_token);
        trace_.note(schedule_.now(), "feedback", kCloudHost, completed ? 1 : 0, (*batch)->body);
    }
}

void World::take_feedback(const JsonObject& record) {
    const std::string id(find_text(record, "deviceId"));
    const auto device = std::find_if(devices_.begin(), devices_.end(), [&](const auto& one) { return one->name() == id; });
    if (device == devices_.end()) return ledger_.violated("feedback about an unknown device " + id);
    const auto number = std::strtoull(std::string(find_text(record, "originalMessageId")).c_str(), nullptr, 10);
    const auto outcome = find_text(record, "statusCode");
    const auto got = (*device)->mail().times.find((*device)->mail_name());
    const bool has = got != (*device)->mail().times.end() && number < got->second.size() && got->second[number] > 0;
    // Nothing is rejected, nothing expires, and nobody purges.
    if (outcome != "Success" || !has)
        ledger_.violated(fmt::format("a back end is told {} of mail {} of {}, which {} it", outcome, number, id,
                                     has ? "has" : "has not got"));
    told_[id].insert(number);
}

async::Awaitable<> World::read_partition(std::size_t partition, std::uint64_t run) {
    auto& events = cloud()->events();
    storage::Offset next = 0;
    for (;;) {
        const auto batch = co_await events.read(partition, next, 200, 1 << 20);
        if (run != cloud_->runs() || !cloud()) co_return;
        if (!batch) {
            if (batch.error().code == Errc::unavailable || batch.error().code == Errc::cancelled) co_return;
            // What could not be synced cannot be read for as long as the disk fails.
            if (batch.error().code == Errc::io_error && !healed_) {
                if (!co_await schedule_.time().sleep_for(10s)) co_return;
                continue;
            }
            ledger_.violated(fmt::format("partition {} cannot be read: {}", partition, batch.error().detail));
            co_return;
        }
        for (const auto& event : batch->events) {
            if (event.offset < next) ledger_.violated("the event log gives an event twice");
            take_event(event.message);
        }
        next = batch->next;
        read_to_[partition] = next;
        if (!checked_since_start_ && caught_up()) {
            checked_since_start_ = true;
            check_direct_senders();
        }
        if (batch->events.empty()) co_await events.wait(partition, next);
    }
}

void World::take_event(const domain::Message& message) {
    const auto device = message.get(domain::SystemProperty::connection_device_id);
    const auto module = message.get(domain::SystemProperty::connection_module_id);
    const auto facts = read_body(message.body);
    if (!device || !facts) return ledger_.violated("an event that nobody sent");
    const std::string sender = domain::to_text({std::string(*device), std::string(module.value_or(""))});
    if (sender != facts->sender)
        return ledger_.violated(fmt::format("a message of {} is there in the name of {}", facts->sender, sender));
    ledger_.arrived(events_, sender, facts->number, hash_of(message.body));
    trace_.note(schedule_.now(), "event", sender, static_cast<std::int64_t>(facts->number));
}

bool World::caught_up() {
    if (!cloud()) return false;
    for (std::size_t i = 0; i < kPartitions; ++i)
        if (read_to_[i] < cloud()->events().state(i).end) return false;
    return true;
}

// Between a sender and the cloud there is nobody else: what it has an acknowledgement for is in the log now.
void World::check_direct_senders() {
    for (const auto& device : devices_)
        if (device->host() == kCloudHost) ledger_.check_complete(events_, device->name());
}

// ---- desired properties and methods ------------------------------------------------------------------------------------

void World::set_goal(Device& device) {
    if (!cloud()) return;
    const auto value = ++goals_[device.name()].asked;
    cloud()->serve_back_end("back end wants", change_desired(device.name(), device.identity(), value, cloud_->runs()));
}

async::Awaitable<> World::change_desired(std::string device, Identity identity, std::int64_t value, std::uint64_t run) {
    auto body = parse_json_object(fmt::format(
        R"({{"properties":{{"desired":{{"goal":{},"round{}":{{"of":{}}},"round{}":null}}}}}})", value, value % 5, value, (value + 2) % 5));
    const auto changed =
        co_await cloud()->twins().change(std::move(identity), *std::move(body), cloud::twins::ChangeKind::patch, {});
    // What a process says after its crash, nobody hears.
    if (run != cloud_->runs() || !cloud()) co_return;
    if (changed) goals_[device].confirmed = std::max(goals_[device].confirmed, value);
    trace_.note(schedule_.now(), "wanted", device, changed ? value : -value);
}

void World::send_mail(Device& device) {
    if (!cloud() || device.identity().is_module()) return;
    const std::string sender = device.mail_name();
    const auto account = ledger_.senders().find(sender);
    const std::uint64_t number = account->second.messages.size();
    std::string body = body_of(sender, number, "", 60 + dice(2000));
    SELVAGE_ASSERT(ledger_.made(sender, hash_of(body)) == number);
    ledger_.attempted(sender, number);
    cloud()->serve_back_end("back end sends", send_mail_to(device, number, std::move(body), cloud_->runs()));
}

async::Awaitable<> World::send_mail_to(Device& device, std::uint64_t number, std::string body, std::uint64_t run) {
    domain::Message message;
    message.body = std::move(body);
    message.set(domain::SystemProperty::message_id, std::to_string(number));
    message.set(domain::SystemProperty::ack, "full");
    const auto sent = co_await cloud()->mailboxes().send(device.identity().device, std::move(message));
    if (run != cloud_->runs() || !cloud()) co_return;
    if (sent) ledger_.acknowledged(device.mail_name(), number);
    trace_.note(schedule_.now(), "mailed", device.name(), sent ? 1 : 0);
}

void World::call_method(Device& device) {
    if (!cloud()) return;
    auto payload = fmt::format(R"({{"call":{}}})", dice(1'000'000'000));
    cloud()->serve_back_end("back end calls", call(device.identity(), std::move(payload), cloud_->runs()));
}

async::Awaitable<> World::call(Identity identity, std::string payload, std::uint64_t run) {
    domain::MethodRequest request{.name = "echo", .payload = payload};
    const auto answer = co_await cloud()->methods().invoke(identity, std::move(request));
    if (run != cloud_->runs() || !cloud()) co_return;
    trace_.note(schedule_.now(), "method", domain::to_text(identity), answer ? answer->status : -1);
    if (!answer || answer->status != 200) co_return;
    ++calls_answered_;
    if (answer->payload != payload)
        ledger_.violated(fmt::format("a method of {} was answered with {} instead of {}", domain::to_text(identity),
                                     answer->payload, payload));
}

// ---- at the end --------------------------------------------------------------------------------------------------------

void World::compare_twins() {
    bool done = false;
    if (!cloud()) return;
    cloud()->serve_back_end("comparing twins", compare_all(done));
    schedule_.run_until(schedule_.now() + 5min, [&done] { return done; });
    if (!done) ledger_.violated("the twins cannot be read");
}

async::Awaitable<> World::compare_all(bool& done) {
    for (const auto& device : devices_) {
        const auto text = co_await cloud()->twins().device_document(device->identity());
        const auto twin = text ? parse_json_object(*text) : Result<JsonObject>(fail(text.error()));
        if (!twin) co_return;
        const auto* const desired = find_object(*twin, "desired");
        const auto* const reported = find_object(*twin, "reported");
        if (desired == nullptr || reported == nullptr) co_return;
        const auto name = device->name();
        if (find_integer(*reported, "count") != device->reported())
            ledger_.violated(fmt::format("{} has reported {} and the cloud has {}", name, device->reported(),
                                         find_integer(*reported, "count")));
        if (domain::without_read_only(*desired) != device->desired() ||
            find_integer(*desired, "$version") != device->desired_version())
            ledger_.violated(fmt::format("{} has desired properties of version {}, {}; the cloud has {}", name,
                                         device->desired_version(), to_text(device->desired()), to_text(*desired)));
        const Goal& goal = goals_[name];
        const auto value = find_integer(*desired, "goal");
        if (value < goal.confirmed || value > goal.asked)
            ledger_.violated(fmt::format("{}: a back end was told that {} is set, and it is {}", name, goal.confirmed, value));
        trace_.note(schedule_.now(), "compared", name, value, *text);
    }
    for (const auto& edge : edges_)
        if (edge->engine && !co_await compare_deployment(*edge)) co_return;
    done = true;
}

}  // namespace selvage::simulation
