// One route as its text says it: from a source, under a condition, into a sink.
//
// Pure; any thread. Wire: docs/wire/routes.md#grammar.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "domain/message.h"

namespace selvage::query {

// Where a route leads: the hub above, or an input of a module on this device.
struct UpstreamSink {
    bool operator==(const UpstreamSink&) const = default;
};
struct ModuleInputSink {
    std::string module;
    std::string input;
    bool operator==(const ModuleInputSink&) const = default;
};
using Sink = std::variant<UpstreamSink, ModuleInputSink>;

struct ParsedRoute {
    std::string source;        // without white space: "/messages/*"
    std::string condition;     // the exact text between WHERE and INTO; "true" when there is no WHERE
    Sink sink;
    std::string ignored;       // what stands behind the sink: it has no effect, and users should hear of it
};

// Errors: malformed (syntax: says where), unsupported (an endpoint that does not exist), invalid_argument (the address of a
// module input).
Result<ParsedRoute> parse_route(std::string_view text);

// Which messages a source takes: those whose path begins with it, segment by segment, in any case of letters. Only stars at
// the end are wildcards.
class SourcePattern {
public:
    explicit SourcePattern(std::string_view source);
    // `path` as source_path() makes it.
    bool matches(std::string_view path) const;

private:
    std::string prefix_;       // lower case, with one slash at the end
};

// "/messages/modules/m1/outputs/o1", "/messages", "/twinChangeNotifications": from the message's system properties.
std::string source_path(const domain::Message& message);

}  // namespace selvage::query
