// Every sample manifest of tests/vectors/manifests against its expected result in index.json.
#include <gtest/gtest.h>

#include "base/file.h"
#include "edge/manifest/deployment.h"

namespace selvage::edge::manifest {
namespace {

JsonObject load(const std::string& name) {
    auto parsed = parse_json_object(read_file(std::string(SELVAGE_MANIFESTS) + "/" + name).value());
    EXPECT_TRUE(parsed) << name;
    return parsed.value_or(JsonObject{});
}

// Null members never reach a device through a hub: a null desired value deletes the property. The vectors' files are
// given to the parser as they are.
const JsonObject* agent_part(const JsonObject& file) {
    const JsonObject* content = &file;
    if (const JsonObject* inner = find_object(*content, "content")) content = inner;
    const JsonObject* modules = find_object(*content, "modulesContent");
    const JsonObject* agent = modules == nullptr ? nullptr : find_object(*modules, "$edgeAgent");
    return agent == nullptr ? nullptr : find_object(*agent, "properties.desired");
}

JsonObject describe(const Module& module) {
    JsonObject env;
    for (const auto& [name, value] : module.env) env[name] = value;
    return {{"version", module.version},
            {"status", word(module.status)},
            {"restartPolicy", word(module.restart_policy)},
            {"startupOrder", module.startup_order},
            {"imagePullPolicy", word(module.pull_policy)},
            {"image", module.image},
            {"env", env},
            {"createOptions", module.create_options}};
}

TEST(ManifestVectors, EveryRowHasItsResult) {
    const JsonObject index = load("index.json");
    int checked = 0;
    for (const Json& item : *find_array(index, "manifests")) {
        const JsonObject& row = item.get_object();
        const std::string file(find_text(row, "file"));
        if (find_text(row, "kind") != "base") continue;   // layered ones are put together by the hub
        const JsonObject content = load(file);
        const JsonObject* desired = agent_part(content);
        ASSERT_NE(desired, nullptr) << file;
        Surroundings surroundings;
        if (const JsonObject* environment = find_object(row, "agentEnvironment"))
            surroundings.parent_host = find_text(*environment, "IOTEDGE_GATEWAYHOSTNAME");
        const auto got = parse_deployment(*desired, surroundings);
        ++checked;
        const std::int64_t code = find_integer(row, "statusCode");
        const std::string description(find_text(row, "description"));
        if (got) {
            // f02 and such fail later (500) in the reference; here a name that belongs to the runtime is a format error.
            EXPECT_TRUE(find_bool(row, "valid") || code == 500) << file;
            const JsonObject* set = find_object(row, "moduleSet");
            if (set == nullptr) continue;
            for (const auto& expected : *set) {
                const Module* module = got->find(expected.key());
                ASSERT_NE(module, nullptr) << file << " " << std::string(expected.key());
                EXPECT_EQ(canonical_text(describe(*module)), canonical_text(expected.value())) << file;
            }
            EXPECT_EQ(got->modules.size(), set->size()) << file;
        } else {
            EXPECT_FALSE(find_bool(row, "valid")) << file << ": " << got.error().description;
            if (code != 500) EXPECT_EQ(static_cast<int>(got.error().code), code) << file;
            if (code == 400) {
                // The reference's sentence, then the path and the rule.
                EXPECT_TRUE(got.error().description.starts_with(description + " ")) << got.error().description;
            } else if (code != 500) {
                EXPECT_EQ(got.error().description, description) << file;
            }
        }
    }
    EXPECT_GT(checked, 50);
}

}  // namespace
}  // namespace selvage::edge::manifest
