DROP TABLE messaging.webhook_token;
