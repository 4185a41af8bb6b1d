import type { SaslCredentials } from './client-config';
import type { KafkajsAuthenticationProvider } from './kafkajs-types';

type OauthBearer = Extract<SaslCredentials, { mechanism: 'oauthbearer' }>;

/** Delimits the parts of a message, and alone is the client's answer to a refusal (RFC 7628). */
const SOH = '\u0001';

/** Broker's answer as it is, without its length. */
const RAW = {
  decode: (sized: Buffer) => Promise.resolve(sized.subarray(4)),
  parse: (bytes: Buffer) => Promise.resolve(bytes),
};

/**
 * The exchange of SASL OAUTHBEARER. That of kafkajs takes every first answer for a success; but a broker refuses a
 * token in a first answer without an error, which has the reason, and says so with an error only when the client has
 * acknowledged it (RFC 7628, 3.2.3; KIP-255). Until then it waits for that, and takes the next request for nonsense.
 */
export function oauthBearerProvider({
  oauthBearerProvider: nextToken,
}: OauthBearer): KafkajsAuthenticationProvider {
  return ({ saslAuthenticate }) => ({
    authenticate: async () => {
      const { value } = await nextToken();
      const answer = await saslAuthenticate({
        request: frame(`n,,${SOH}auth=Bearer ${value}${SOH}${SOH}`),
        response: RAW,
      });
      if (answer.length === 0) return;
      await saslAuthenticate({ request: frame(SOH), response: RAW });
      throw new LoginRefused(`the token was refused: ${answer.toString()}`);
    },
  });
}

/** Named as that of kafkajs, so that both are recognised alike. */
class LoginRefused extends Error {
  override readonly name = 'KafkaJSSASLAuthenticationError';
}

function frame(text: string): { encode(): Promise<Buffer> } {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return { encode: () => Promise.resolve(Buffer.concat([length, bytes])) };
}
