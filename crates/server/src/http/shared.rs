//! One service of a worker, for ordinary requests and for upgrades.

use std::rc::Rc;

use actix_http::Request;
use actix_service::ServiceFactory;
use futures_util::future::LocalBoxFuture;
use tokio::sync::OnceCell;

/// Makes its service once, and hands the same to everyone who asks: the application of a worker is
/// large, and needed twice.
pub(super) struct Shared<F: ServiceFactory<Request>> {
    factory: Rc<F>,
    made: Rc<OnceCell<Rc<F::Service>>>,
}

impl<F: ServiceFactory<Request>> Shared<F> {
    pub(super) fn new(factory: F) -> Self {
        Self { factory: Rc::new(factory), made: Rc::default() }
    }
}

impl<F: ServiceFactory<Request>> Clone for Shared<F> {
    fn clone(&self) -> Self {
        Self { factory: Rc::clone(&self.factory), made: Rc::clone(&self.made) }
    }
}

impl<F> ServiceFactory<Request> for Shared<F>
where
    F: ServiceFactory<Request, Config = ()> + 'static,
{
    type Response = F::Response;
    type Error = F::Error;
    type Config = ();
    type Service = Rc<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let Self { factory, made } = self.clone();
        let make = async move || factory.new_service(()).await.map(Rc::new);
        Box::pin(async move { made.get_or_try_init(make).await.cloned() })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use actix_service::fn_service;

    use super::*;

    #[tokio::test]
    async fn everyone_gets_the_same_service() {
        let shared = Shared::new(fn_service(async |_: Request| Ok::<_, Infallible>(())));
        let one = shared.new_service(()).await.expect("it is made");
        let other = shared.clone().new_service(()).await.expect("it is there");
        assert!(Rc::ptr_eq(&one, &other));
    }
}
