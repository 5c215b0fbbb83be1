package sluice;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.KafkaMessageListenerContainer;
import org.springframework.kafka.requestreply.ReplyingKafkaTemplate;

/**
 * Asks one question with Spring's request-reply template.
 *
 * <p>Sluice honours Spring's own headers (kafka_replyTopic, kafka_correlationId), so the template
 * needs no setting for them. The reply topic must exist and be one that the registry allows; the
 * default one always is. Every caller needs a group of its own, for it has to see every reply.
 */
public final class AskSluice {
  private static final String REPLIES = "llm.replies.v1";

  public static void main(String[] args) throws Exception {
    String kafka = System.getenv().getOrDefault("SLUICE_KAFKA_BOOTSTRAP_SERVERS", "localhost:9092");
    ContainerProperties listening = new ContainerProperties(REPLIES);
    listening.setGroupId("ask-" + UUID.randomUUID());
    KafkaMessageListenerContainer<String, String> replies =
        new KafkaMessageListenerContainer<>(
            new DefaultKafkaConsumerFactory<>(
                Map.of(
                    ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka,
                    ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "latest",
                    ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class,
                    ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class)),
            listening);
    DefaultKafkaProducerFactory<String, String> producers =
        new DefaultKafkaProducerFactory<>(
            Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka,
                ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class,
                ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, StringSerializer.class));
    ReplyingKafkaTemplate<String, String, String> template =
        new ReplyingKafkaTemplate<>(producers, replies);
    template.setSharedReplyTopic(true);
    template.setDefaultReplyTimeout(Duration.ofMinutes(2));
    template.start();
    try {
      if (!template.waitForAssignment(Duration.ofSeconds(30))) {
        throw new IllegalStateException("the reply topic has no partition for us");
      }
      ProducerRecord<String, String> request =
          new ProducerRecord<>("llm.requests.v1", null, "{\"prompt\": \"" + escaped(args[0]) + "\"}");
      request.headers().add("kafka_replyTopic", REPLIES.getBytes(StandardCharsets.UTF_8));
      ConsumerRecord<String, String> reply =
          template.sendAndReceive(request).get(3, TimeUnit.MINUTES);
      System.out.println(reply.value());
    } finally {
      template.stop();
      producers.destroy();
    }
  }

  private static String escaped(String text) {
    return text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }

  private AskSluice() {}
}
