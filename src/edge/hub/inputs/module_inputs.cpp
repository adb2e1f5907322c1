#include "edge/hub/inputs/module_inputs.h"

namespace selvage::edge::hub {

ModuleInputs::ModuleInputs(ModuleEndpoint::Parts parts) : parts_(std::move(parts)) {}
ModuleInputs::~ModuleInputs() = default;

ModuleEndpoint& ModuleInputs::endpoint(const std::string& module) {
    auto& found = endpoints_[module];
    if (!found) {
        found = std::make_unique<ModuleEndpoint>(parts_);
        if (started_) found->start();
    }
    return *found;
}

void ModuleInputs::add_queue(const StoredQueue& queue) {
    endpoint(std::get<query::ModuleInputSink>(queue.address.sink).module).add_queue(queue);
}

void ModuleInputs::start() {
    started_ = true;
    for (const auto& [module, endpoint] : endpoints_) endpoint->start();
}

async::Awaitable<> ModuleInputs::stop() {
    started_ = false;
    for (const auto& [module, endpoint] : endpoints_) co_await endpoint->stop();
}

void ModuleInputs::listen(const std::string& module, InputReceiver* receiver, std::size_t window) {
    endpoint(module).listen(receiver, window);
}

void ModuleInputs::detach(const std::string& module, const InputReceiver* receiver) {
    const auto found = endpoints_.find(module);
    if (found != endpoints_.end()) found->second->detach(receiver);
}

bool ModuleInputs::settle(const std::string& module, std::uint64_t ticket, hub_api::Outcome outcome) {
    const auto found = endpoints_.find(module);
    return found != endpoints_.end() && found->second->settle(ticket, outcome);
}

async::Awaitable<> ModuleInputs::forget(std::string module) {
    auto node = endpoints_.extract(module);
    if (!node.empty()) co_await node.mapped()->stop();
}

}  // namespace selvage::edge::hub
