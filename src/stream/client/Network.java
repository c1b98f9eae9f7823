//JAVA 25+

package stream.client;

/**
 * What happened on the network before the first event. Null where it did not happen or is not known.
 *
 * @param dnsMicros     how long the name look-up took, in microseconds; null on a reused connection
 * @param connectMicros how long TCP took to connect; null on a reused connection
 * @param tlsMicros     how long the TLS handshake took; null without TLS and on a reused connection
 * @param sentMicros    when the last byte of the request was written, from the start
 * @param headersMicros when the read came that ended the response headers, from the start
 */
public record Network(Long dnsMicros, Long connectMicros, Long tlsMicros, Long sentMicros, Long headersMicros,
               String httpVersion, Boolean connectionReused) { }
