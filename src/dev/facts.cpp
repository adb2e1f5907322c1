#include "dev/facts.h"

#include <fmt/core.h>

#include <iterator>

namespace selvage::dev {
namespace {

// Of a fleet of thousands the JSON has the rest.
constexpr std::size_t kShownMax = 5;

std::string ports(const assembly::ListenAt& at) {
    return fmt::format("{}  mqtt {}, amqp {}, https {}", at.address, at.mqtt_port, at.amqp_port, at.https_port);
}

void add_clients(std::string& text, const std::vector<Client>& clients) {
    for (std::size_t i = 0; i < clients.size() && i < kShownMax; ++i)
        fmt::format_to(std::back_inserter(text), "{:<13} {}\n", clients[i].name, clients[i].connection_string);
    if (clients.size() > kShownMax)
        fmt::format_to(std::back_inserter(text), "              … and {} more: --json shows all\n", clients.size() - kShownMax);
}

JsonObject place(const assembly::ListenAt& at) {
    return {{"host", at.address}, {"mqttPort", at.mqtt_port}, {"amqpPort", at.amqp_port}, {"httpsPort", at.https_port}};
}

JsonArray list(const std::vector<Client>& clients) {
    JsonArray array;
    for (const auto& client : clients)
        array.push_back(JsonObject{{"id", client.name}, {"connectionString", client.connection_string}});
    return array;
}

}  // namespace

std::string to_text(const Facts& facts) {
    std::string text;
    const auto out = std::back_inserter(text);
    fmt::format_to(out, "cloud hub     {}\nedge hub      {}  (device {})\n", ports(facts.hub), ports(facts.edge), kEdgeDevice);
    fmt::format_to(out, "trusted CAs   {}  (NODE_EXTRA_CA_CERTS, or an SDK's own option)\n", facts.ca_file);
    fmt::format_to(out, "look around   hubctl --data {} identity list\n", facts.hub_folder);
    fmt::format_to(out, "              iotedge --host {} list\n", facts.management_uri);
    fmt::format_to(out, "{:<13} {}\n", "service", facts.owner);
    add_clients(text, facts.fleet.devices);
    add_clients(text, {facts.fleet.module});
    add_clients(text, facts.fleet.leaves);
    if (facts.time_scale != 1) fmt::format_to(out, "time          runs {} times as fast in the hubs\n", facts.time_scale);
    fmt::format_to(out, "ready in {} ms", facts.ready_after.count());
    return text;
}

JsonObject to_json(const Facts& facts) {
    JsonObject hub = place(facts.hub);
    hub["dataFolder"] = facts.hub_folder;
    hub["connectionString"] = facts.owner;
    JsonObject edge = place(facts.edge);
    edge["deviceId"] = kEdgeDevice;
    edge["managementUri"] = facts.management_uri;
    JsonArray sensors;
    for (const auto& name : facts.fleet.sensors) sensors.emplace_back(name);
    return {{"readyMilliseconds", facts.ready_after.count()},
            {"timeScale", facts.time_scale},
            {"folder", facts.folder},
            {"caFile", facts.ca_file},
            {"hub", std::move(hub)},
            {"edge", std::move(edge)},
            {"devices", list(facts.fleet.devices)},
            {"leafDevices", list(facts.fleet.leaves)},
            {"modules", list({facts.fleet.module})},
            {"sensors", std::move(sensors)}};
}

}  // namespace selvage::dev
