import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialAlteration;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;

/**
 * Gives users a SCRAM password, for both mechanisms, as kafka-configs.sh does (KIP-554): {@code BROKERS USER PASSWORD
 * [USER PASSWORD]...}. Run from source, with Kafka's jars in the class path.
 */
public final class ScramUsers {
    private static final int ITERATIONS = 4096;

    private ScramUsers() {}

    public static void main(String[] words) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", words[0]))) {
            // A request may name a user once.
            for (ScramMechanism mechanism : List.of(ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)) {
                List<UserScramCredentialAlteration> changes = new ArrayList<>();
                ScramCredentialInfo info = new ScramCredentialInfo(mechanism, ITERATIONS);
                for (int i = 1; i + 1 < words.length; i += 2) {
                    changes.add(new UserScramCredentialUpsertion(words[i], info, words[i + 1]));
                }
                admin.alterUserScramCredentials(changes).all().get();
            }
        }
    }
}
