import java.util.HashMap;
import java.util.Map;
import java.util.Properties;

/** Command line of the form {@code --name value}. */
final class Args {
    private static final int REQUEST_LIMIT_MS = 30_000;

    private final Map<String, String> values = new HashMap<>();

    static Args parse(String[] words) {
        Args args = new Args();
        for (int i = 0; i < words.length; i += 2) {
            if (!words[i].startsWith("--") || i + 1 == words.length) {
                throw new IllegalArgumentException("expected --name value, found " + words[i]);
            }
            args.values.put(words[i].substring(2), words[i + 1]);
        }
        return args;
    }

    /** The same with another value for one of them. */
    Args with(String name, String value) {
        Args args = new Args();
        args.values.putAll(values);
        args.values.put(name, value);
        return args;
    }

    String text(String name) {
        String value = values.get(name);
        if (value == null) throw new IllegalArgumentException("--" + name + " is missing");
        return value;
    }

    String text(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    long number(String name) {
        return Long.parseLong(text(name));
    }

    long number(String name, long otherwise) {
        String value = values.get(name);
        return value == null ? otherwise : Long.parseLong(value);
    }

    /** Settings that every client needs. */
    Properties clientProperties() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", text("brokers"));
        properties.put("default.api.timeout.ms", REQUEST_LIMIT_MS);
        properties.put("request.timeout.ms", REQUEST_LIMIT_MS);
        return properties;
    }
}
