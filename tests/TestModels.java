package stream;

import java.util.List;
import java.util.Map;

/** Models for tests. */
final class TestModels {

    private TestModels() { }

    static Model of(String name, String api, String baseUrl) {
        return ModelCatalog.of(new ModelSettings(List.of(name), null, baseUrl, api, false, List.of()), Map.of(),
                ModelCatalog.Access.WITH_KEYS).models().getFirst();
    }
}
