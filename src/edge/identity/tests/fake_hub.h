// The hub's identity routes over real sockets, without TLS: enough of docs/wire/identity-rest.md for the daemon's tests.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "async/time_source.h"
#include "base/encoding.h"
#include "base/json.h"
#include "net/http.h"
#include "net/listener.h"

namespace selvage::edge::identity::testing {

class FakeHub {
public:
    FakeHub(async::Executor loop, async::TimeSource& time) : time_(time) {
        auto listener = net::listen_tcp(loop, time, "127.0.0.1", 0, nullptr, net::ListenSettings(),
                                        [this](std::shared_ptr<net::Stream> stream) { return serve(std::move(stream)); });
        if (listener) listener_ = std::move(*listener);
        else ADD_FAILURE() << listener.error().detail;
    }
    async::Awaitable<> stop() { return listener_->stop(); }
    std::uint16_t port() const { return listener_->port(); }

    struct Module {
        std::string generation;
        std::string primary_key;
    };
    std::map<std::string, Module> modules;
    std::vector<std::string> requests;         // "PUT m1 *": method, module, If-Match
    std::string last_authorization;
    int refuse_with = 0;                       // a status for every request
    std::string refusal_body;

private:
    async::Awaitable<> serve(std::shared_ptr<net::Stream> stream) {
        co_await net::serve_http(stream, time_, net::HttpServerSettings(),
                                 [this](net::HttpRequest request) -> async::Awaitable<net::HttpResponse> { co_return answer(request); });
    }

    net::HttpResponse answer(const net::HttpRequest& request) {
        const auto target = net::parse_target(request.target);
        const std::string module = target->path.size() == 4 ? target->path[3] : "";
        const bool if_match = request.headers.get("If-Match") == "*";
        requests.push_back(fmt::format("{} {}{}", request.method, module, if_match ? " *" : ""));
        last_authorization = request.headers.get("Authorization");
        if (target->get("api-version") == nullptr || *target->get("api-version") != "2017-11-08-preview") return response(400, "{}");
        if (refuse_with != 0) return response(refuse_with, refusal_body);
        if (module.empty()) {
            JsonArray list;
            for (const auto& [id, value] : modules) list.push_back(json_of(id));
            return response(200, to_text(Json(std::move(list))));
        }
        if (request.method == "PUT") return put(module, if_match, request.body);
        if (!modules.contains(module)) return response(404, R"({"Message":"ErrorCode:ModuleNotFound"})");
        if (request.method == "GET") return response(200, to_text(json_of(module)));
        modules.erase(module);
        return response(204, "");
    }

    net::HttpResponse put(const std::string& module, bool if_match, const std::string& body) {
        if (!if_match && modules.contains(module)) return response(409, R"({"Message":"ErrorCode:ModuleAlreadyExistsOnDevice"})");
        if (if_match && !modules.contains(module)) return response(404, R"({"Message":"ErrorCode:ModuleNotFound"})");
        Module& entry = modules[module];
        if (entry.generation.empty()) entry.generation = fmt::format("gen{}", ++generations_);
        const auto object = parse_json_object(body);
        if (const JsonObject* authentication = find_object(*object, "authentication"))
            if (const JsonObject* key = find_object(*authentication, "symmetricKey")) entry.primary_key = find_text(*key, "primaryKey");
        return response(200, to_text(json_of(module)));
    }

    JsonObject json_of(const std::string& id) {
        return {{"moduleId", id}, {"deviceId", "d1"}, {"generationId", modules[id].generation}, {"managedBy", "somebody"}};
    }
    static net::HttpResponse response(int status, std::string body) {
        net::HttpResponse made;
        made.status = status;
        made.headers.set("Content-Type", "application/json; charset=utf-8");
        made.body = std::move(body);
        return made;
    }

    async::TimeSource& time_;
    std::unique_ptr<net::Listener> listener_;
    int generations_ = 0;
};

}  // namespace selvage::edge::identity::testing
