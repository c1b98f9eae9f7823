//JAVA 25+
//SOURCES Model.java
//SOURCES RequestForm.java
//SOURCES UsageRequest.java

package stream.api;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Remembers in which form requests are accepted: token counts in the stream are refused by a server, other parameters by one of its
 * models. Safe for use by several threads.
 */
public final class AcceptedForms {

    private final Map<String, UsageRequest> usages = new ConcurrentHashMap<>(); // by server
    private final Map<String, RequestForm> forms = new ConcurrentHashMap<>(); // by server and name of the model

    /** Returns the form for the next request to a model. */
    public RequestForm of(Model model) {
        var usage = usages.getOrDefault(model.server(), model.mostUsage());
        return new RequestForm(usage, forms.getOrDefault(key(model), model.fullForm()).changed());
    }

    /** Remembers a form that follows from a refusal. */
    public void learn(Model model, RequestForm accepted) {
        usages.merge(model.server(), accepted.usage(), (one, other) -> one.compareTo(other) < 0 ? one : other);
        forms.merge(key(model), accepted, RequestForm::and);
    }

    private static String key(Model model) {
        return model.server() + " " + model.name();
    }
}
