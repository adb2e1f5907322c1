#include "edge/daemon/modules.h"

#include <fmt/core.h>

#include "base/log.h"

namespace selvage::edge::daemon {
namespace {

// Counts a name while it lives.
class Mark {
public:
    Mark(std::map<std::string, int>& names, std::string name) : names_(names), name_(std::move(name)) { ++names_[name_]; }
    ~Mark() {
        if (--names_[name_] == 0) names_.erase(name_);
    }
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;

private:
    std::map<std::string, int>& names_;
    std::string name_;
};

Error with_context(const Error& error, std::string_view step) {
    return {error.code, fmt::format("{}\ncaused by: {}", step, error.detail)};
}

std::string runtime_step(std::string_view step, std::string_view name) {
    return fmt::format("runtime operation error: {} module \"{}\"", step, name);
}

}  // namespace

Awaitable<Result<>> Modules::pull(management::ModuleSpec spec) {
    const std::string image = spec.image;
    auto pulled = co_await runtime_.pull(std::move(spec));
    if (!pulled) co_return fail(with_context(pulled.error(), fmt::format("registry operation error: pull image \"{}\"", image)));
    co_return Result<>();
}

Awaitable<Result<>> Modules::create(management::ModuleSpec spec) {
    if (spec.type != "docker") co_return fail(Errc::internal, fmt::format("invalid module type: \"{}\"", spec.type));
    const std::string name = spec.name;
    auto pulled = co_await pull(spec);
    if (!pulled) co_return pulled;
    auto created = co_await runtime_.create(std::move(spec));
    if (!created) co_return fail(with_context(created.error(), runtime_step("create", name)));
    log::info("daemon.modules", "created module={}", name);
    co_return Result<>();
}

Awaitable<Result<>> Modules::replace(std::string name, management::ModuleSpec spec, bool start_it) {
    const Mark mark(being_replaced_, name);
    auto pulled = co_await pull(spec);
    if (!pulled) co_return pulled;
    auto stopped = co_await runtime_.stop(name, std::nullopt);
    if (!stopped && stopped.error().code != Errc::not_found) co_return fail(with_context(stopped.error(), runtime_step("stop", name)));
    // Its socket stays: the new container mounts the same path.
    auto removed = co_await runtime_.remove(name);
    if (!removed && removed.error().code != Errc::not_found) co_return fail(with_context(removed.error(), runtime_step("remove", name)));
    const std::string new_name = spec.name;
    auto created = co_await runtime_.create(std::move(spec));
    if (!created) co_return fail(with_context(created.error(), runtime_step("create", new_name)));
    log::info("daemon.modules", "replaced module={}", name);
    if (!start_it) co_return Result<>();
    auto started = co_await start(new_name);
    // The module is there, and its state says that it does not run: who asked will start it again.
    if (!started) log::warn("daemon.modules", "replaced but not started module={} reason={}", new_name, started.error().detail);
    co_return Result<>();
}

Awaitable<Result<>> Modules::start(std::string name) {
    auto details = co_await runtime_.inspect(name);
    if (!details) co_return fail(with_context(details.error(), runtime_step("start", name)));
    // Any container may be started by its name or id, but only ours have a socket.
    if (details->label(management::kOwnerLabel) == management::kOwner) {
        auto bound = sockets_.bind(details->name);
        if (!bound) co_return fail(with_context(Error{Errc::internal, bound.error().detail}, runtime_step("start", name)));
    }
    auto started = co_await runtime_.start(name);
    if (!started) co_return fail(with_context(started.error(), runtime_step("start", name)));
    log::info("daemon.modules", "started module={}", name);
    co_return Result<>();
}

Awaitable<Result<>> Modules::stop(std::string name) {
    auto stopped = co_await runtime_.stop(name, std::nullopt);
    if (!stopped) co_return fail(with_context(stopped.error(), runtime_step("stop", name)));
    log::info("daemon.modules", "stopped module={}", name);
    co_return Result<>();
}

Awaitable<Result<>> Modules::restart(std::string name) {
    auto restarted = co_await runtime_.restart(name);
    if (!restarted) co_return fail(with_context(restarted.error(), runtime_step("restart", name)));
    log::info("daemon.modules", "restarted module={}", name);
    co_return Result<>();
}

Awaitable<Result<>> Modules::remove(std::string name) {
    auto removed = co_await runtime_.remove(name);
    if (!removed) co_return fail(with_context(removed.error(), runtime_step("remove", name)));
    co_await sockets_.remove(name);
    log::info("daemon.modules", "removed module={}", name);
    co_return Result<>();
}

}  // namespace selvage::edge::daemon
