// What back ends, tools, identity services and edge hubs ask of the cloud hub's service API. Input: up to eight requests; of
// each the first character says who asks (o owner, r reader, n nobody), then "METHOD /path?query", the If-Match field, the body.
//
// Whatever comes is answered, errors with the service's body; nobody without rights changes anything; the only 5xx are what is
// not there (501) and a device that is slow (504).
#include <cstdint>
#include <string>

#include "rig/cloud_world.h"
#include "rig/input.h"
#include "security/sas_signer.h"

namespace {

using namespace selvage;
using async::Awaitable;

std::string authorization(fuzz::CloudWorld& world, char who) {
    if (who != 'o' && who != 'r') return {};
    const char* policy = who == 'o' ? "iothubowner" : "registryRead";
    return security::make_sas_token(world.key, fuzz::kCloudHost, world.time.utc_now() + std::chrono::hours(1), policy).value();
}

Awaitable<> ask(fuzz::CloudWorld& world, std::string_view text) {
    if (text.empty()) co_return;
    const char who = text.front();
    text.remove_prefix(1);
    auto line = fuzz::take_until(text, '\n');
    net::HttpRequest request;
    request.method = fuzz::take_until(line, ' ');
    request.target = line;
    if (request.target.find("api-version") == std::string::npos)
        request.target += (request.target.find('?') == std::string::npos ? "?" : "&") + std::string("api-version=2021-04-12");
    if (const auto if_match = fuzz::take_until(text, '\n'); !if_match.empty()) request.headers.set("If-Match", if_match);
    if (const auto token = authorization(world, who); !token.empty()) request.headers.set("Authorization", token);
    request.body = text;
    const auto method = request.method;
    const auto response = co_await world.service.handle(std::move(request));
    SELVAGE_ASSERT(response.status >= 200 && (response.status < 500 || response.status == 501 || response.status == 504));
    if (who != 'o' && who != 'r') SELVAGE_ASSERT(response.status >= 400);
    if (who == 'r' && method != "GET" && method != "POST") SELVAGE_ASSERT(response.status >= 400);
    if (response.status >= 400) SELVAGE_ASSERT(parse_json_object(response.body).has_value());
}

Awaitable<> ask_all(fuzz::CloudWorld& world, std::string_view input) {
    constexpr std::size_t kRequestsMax = 8;
    for (const auto part : fuzz::parts_of(input, kRequestsMax)) co_await ask(world, part);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr int kInputsForOneWorld = 200;
    static std::unique_ptr<fuzz::CloudWorld> world;
    static int used = 0;
    if (!world || ++used % kInputsForOneWorld == 0) {
        world.reset();
        world = std::make_unique<fuzz::CloudWorld>();
    }
    world->run(ask_all(*world, fuzz::text_of(data, size)));
    return 0;
}
